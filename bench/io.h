/* What the two programs share: a clock, a growing buffer, sockets and a way to give up. */
#ifndef BENCH_IO_H
#define BENCH_IO_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_S 1000000000ull

/* A token's text is '@', the sixteen hex digits of now_ns() when it left, and a space.
 * No dialect escapes these characters, so the marker survives every translation. */
enum { STAMP_DIGITS = 16 };

struct buffer {
    char *data;
    size_t len, cap;
};

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

/* CLOCK_MONOTONIC is one clock for all processes of the machine: stamps of the upstream
 * can be subtracted from times of the load generator, or of Python's monotonic_ns(). */
static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Room for `more` bytes and a terminating NUL, so that text can be searched in place. */
static inline void reserve(struct buffer *b, size_t more)
{
    if (b->len + more + 1 <= b->cap)
        return;
    b->cap = (b->len + more) * 2 + 512;
    b->data = realloc(b->data, b->cap);
    if (!b->data)
        die("realloc");
}

static inline void add(struct buffer *b, const void *bytes, size_t n)
{
    reserve(b, n);
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = 0;
}

__attribute__((format(printf, 2, 3)))
static inline void addf(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    reserve(b, (size_t)n);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
    b->len += (size_t)n;
    va_end(again);
    va_end(args);
}

static inline struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A delayed small write would be counted as the gateway's latency. */
static inline void no_delay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static inline void allow_many_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
