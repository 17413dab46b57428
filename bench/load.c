/* load: a closed-loop load generator for gateways that stream tokens.
 *
 *     load -p PORT -u PATH -b BODY_FILE -c CLIENTS (-n REQUESTS | -t SECONDS) [options]
 *         -d DIALECT   what ends a good reply: openai, ollama, anthropic, responses (the
 *                      terminator of that stream), or json (the end of the body). Default json
 *         -e TOKENS    a reply with another number of tokens is an error
 *         -k           keep connections alive; default is a connection a request
 *         -r RATE      start at most this many clients a second
 *         -H HEADER    add a header line; may be repeated
 *         -T SECONDS   give a reply up after this long (60)
 *
 * Closed loop: a client sends its next request when its last reply has ended. One thread.
 * Tokens are found by the stamp in their text (io.h), which no dialect changes; Responses
 * says all text again at the end, so only a stamp newer than the last one is a token.
 * Prints one JSON object; durations are microseconds:
 *     latency  upstream's write to this read, of every token
 *     ttft     request sent to first token          total  request sent to end of reply
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io.h"

enum {
    EVENTS_AT_ONCE = 512,
    READ_SIZE = 1 << 18,
    HEAD_SIZE = 8192,
    TICK_MS = 20,
};

static const struct {
    const char *name, *end; /* spaces are left out on both sides of the comparison */
} DIALECTS[] = {
    {"openai", "data:[DONE]"},
    {"ollama", "\"done\":true"},
    {"anthropic", "event:message_stop"},
    {"responses", "event:response.completed"},
    {"json", ""},
};

enum stage { IDLE, SENDING, HEAD, BODY };
enum framing { BY_LENGTH, BY_CHUNKS, BY_CLOSE };
enum chunk_part { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER };

struct client {
    int fd;
    enum stage stage;
    bool reused;
    size_t sent;
    uint64_t began, newest; /* when it was sent; the last token's stamp */
    char head[HEAD_SIZE];
    size_t head_len;
    int status;
    bool closes;
    enum framing framing;
    enum chunk_part part;
    size_t left, line_len; /* of the body or chunk; of a trailer line */
    long tokens;
    int stamp_len; /* digits and '@' seen of a stamp */
    uint64_t stamp;
    size_t end_len; /* bytes matched of the terminator */
    bool ended;
};

static struct {
    const char *path, *body_file, *end;
    struct buffer headers, request;
    int port, clients;
    long requests, tokens;
    double seconds, rate, timeout;
    bool keep_alive;
} opt = {.path = "/", .end = "", .clients = 1, .requests = -1, .tokens = -1, .timeout = 60};

struct samples {
    uint32_t *us;
    size_t len, cap;
};

static struct samples latency, ttft, total;
static struct {
    unsigned long connect, closed, status, timeout, tokens, unfinished;
} errors;
static unsigned long started, good, tokens, connections;
static char first_error[200];
static struct sockaddr_in address;
static struct client *clients;
static int poller, active;
static uint64_t deadline;

/* --- results --- */

static void sample(struct samples *s, uint64_t ns)
{
    if (s->len == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4096;
        s->us = realloc(s->us, s->cap * sizeof *s->us);
        if (!s->us)
            die("realloc");
    }
    s->us[s->len++] = (uint32_t)(ns / 1000);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, struct samples *s)
{
    static const int PERCENT[] = {50, 90, 99, 100};
    if (s->len)
        qsort(s->us, s->len, sizeof *s->us, by_value);
    printf("\"%s\":{", name);
    for (size_t i = 0; i < sizeof PERCENT / sizeof *PERCENT; i++) {
        size_t at = s->len * (size_t)PERCENT[i] / 100;
        uint32_t us = s->len ? s->us[at < s->len ? at : s->len - 1] : 0;
        printf("%s\"p%d\":%u", i ? "," : "", PERCENT[i], us);
    }
    printf("},");
}

static void print_results(double wall)
{
    printf("{\"ok\":%lu,\"tokens\":%lu,\"wall\":%.4f,\"connections\":%lu,"
           "\"requests_s\":%.1f,\"tokens_s\":%.1f,",
           good, tokens, wall, connections, (double)good / wall, (double)tokens / wall);
    print_samples("latency", &latency);
    print_samples("ttft", &ttft);
    print_samples("total", &total);
    printf("\"errors\":{\"connect\":%lu,\"closed\":%lu,\"status\":%lu,\"timeout\":%lu,"
           "\"tokens\":%lu,\"unfinished\":%lu},\"first_error\":\"",
           errors.connect, errors.closed, errors.status, errors.timeout, errors.tokens,
           errors.unfinished);
    for (const char *p = first_error; *p; p++)
        if (*p >= ' ' && *p != '"' && *p != '\\')
            putchar(*p);
    printf("\"}\n");
}

/* --- the life of a client --- */

static bool more_wanted(void)
{
    if (opt.requests >= 0)
        return (long)started < opt.requests;
    return now_ns() < deadline;
}

static void listen_for(struct client *c, int operation, unsigned events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &e);
}

static void hang_up(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

static void fail(struct client *c, unsigned long *kind, const char *why)
{
    ++*kind;
    if (!*first_error)
        snprintf(first_error, sizeof first_error, "%.120s (status %d, %ld tokens)",
                 why, c->status, c->tokens);
}

static void go_idle(struct client *c, bool reusable)
{
    c->stage = IDLE;
    c->reused = true;
    active--;
    if (!reusable && c->fd >= 0)
        hang_up(c);
}

static void begin(struct client *c)
{
    int fd = c->fd;
    bool reused = c->reused;
    memset(c, 0, sizeof *c);
    c->fd = fd;
    c->reused = reused && fd >= 0;
    c->stage = SENDING;
    c->began = now_ns();
    started++;
    active++;
    if (fd >= 0) {
        listen_for(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        return;
    }
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    no_delay(c->fd);
    connections++;
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0
        && errno != EINPROGRESS) {
        fail(c, &errors.connect, strerror(errno));
        go_idle(c, false);
        return;
    }
    listen_for(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void finish(struct client *c)
{
    if (c->status < 200 || c->status >= 300)
        fail(c, &errors.status, c->head);
    else if (opt.tokens >= 0 && c->tokens != opt.tokens)
        fail(c, &errors.tokens, "another number of tokens than expected");
    else if (*opt.end && !c->ended)
        fail(c, &errors.unfinished, "no terminator");
    else {
        good++;
        sample(&total, now_ns() - c->began);
    }
    go_idle(c, opt.keep_alive && !c->closes && c->framing != BY_CLOSE);
}

/* A server may close an idle connection just as the next request goes out on it: that
 * request is sent again on a new one, as every HTTP client does. */
static void on_closed(struct client *c, const char *why)
{
    if (c->stage == BODY && c->framing == BY_CLOSE) {
        finish(c);
        return;
    }
    if (c->reused && !c->head_len && c->stage != BODY) {
        started--;
        active--;
        hang_up(c);
        begin(c);
        return;
    }
    fail(c, &errors.closed, why);
    go_idle(c, false);
}

/* --- reading a reply --- */

static int hex(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 32;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static void on_stamp(struct client *c, uint64_t now)
{
    if (c->stamp <= c->newest)
        return;
    if (!c->newest)
        sample(&ttft, now - c->began);
    c->newest = c->stamp;
    c->tokens++;
    tokens++;
    sample(&latency, now > c->stamp ? now - c->stamp : 0);
}

/* Body bytes without framing. Stamps and terminators may lie across two calls. Starting
 * over at a mismatch is enough: none of these terminators can overlap with itself in a
 * valid stream. */
static void scan(struct client *c, const char *p, size_t n, uint64_t now)
{
    for (const char *end = p + n; p < end; p++) {
        int digit = c->stamp_len ? hex(*p) : -1;
        if (digit >= 0) {
            c->stamp = c->stamp << 4 | (uint64_t)digit;
            if (c->stamp_len++ == STAMP_DIGITS) {
                c->stamp_len = 0;
                on_stamp(c, now);
            }
        } else {
            c->stamp_len = *p == '@';
            c->stamp = 0;
        }
        if (*p == ' ' || c->ended)
            continue;
        c->end_len = *p == opt.end[c->end_len] ? c->end_len + 1 : *p == opt.end[0];
        c->ended = c->end_len && !opt.end[c->end_len];
    }
}

static size_t scan_left(struct client *c, const char *p, size_t n, uint64_t now)
{
    size_t mine = c->left < n ? c->left : n;
    scan(c, p, mine, now);
    c->left -= mine;
    return mine;
}

/* True when the chunk of size 0 and the trailer after it have been read. */
static bool read_chunks(struct client *c, const char *p, size_t n, uint64_t now)
{
    for (const char *end = p + n; p < end;) {
        if (c->part == CHUNK_DATA) {
            p += scan_left(c, p, (size_t)(end - p), now);
            if (!c->left)
                c->part = CHUNK_END;
            continue;
        }
        char ch = *p++;
        if (ch != '\n') {
            c->line_len += ch != '\r';
            if (c->part == CHUNK_SIZE && hex(ch) >= 0)
                c->left = c->left << 4 | (size_t)hex(ch);
            continue;
        }
        if (c->part == TRAILER && !c->line_len)
            return true;
        if (c->part == CHUNK_SIZE)
            c->part = c->left ? CHUNK_DATA : TRAILER;
        else if (c->part == CHUNK_END)
            c->part = CHUNK_SIZE;
        c->line_len = 0;
    }
    return false;
}

static bool read_body(struct client *c, const char *p, size_t n, uint64_t now)
{
    if (c->framing == BY_CHUNKS)
        return read_chunks(c, p, n, now);
    if (c->framing == BY_LENGTH) {
        scan_left(c, p, n, now);
        return c->left == 0;
    }
    scan(c, p, n, now);
    return false;
}

/* Bytes of `p` that belong to the head; sets the stage to BODY when it is complete. */
static size_t read_head(struct client *c, const char *p, size_t n)
{
    size_t before = c->head_len, room = HEAD_SIZE - 1 - before;
    size_t taken = n < room ? n : room;
    memcpy(c->head + before, p, taken);
    c->head_len += taken;
    c->head[c->head_len] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return taken;
    end[2] = 0;
    c->stage = BODY;
    c->status = atoi(c->head + strcspn(c->head, " "));
    c->closes = strcasestr(c->head, "\r\nconnection: close") != NULL;
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->framing = BY_CLOSE;
    if (strcasestr(c->head, "\r\ntransfer-encoding: chunked"))
        c->framing = BY_CHUNKS;
    else if (length) {
        c->framing = BY_LENGTH;
        c->left = strtoul(length + 17, NULL, 10);
    }
    return (size_t)(end + 4 - c->head) - before;
}

static void on_readable(struct client *c)
{
    static char bytes[READ_SIZE];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (c->stage == IDLE) {
        hang_up(c); /* the server closed a connection that was waiting */
        return;
    }
    if (n <= 0) {
        on_closed(c, n ? strerror(errno) : "closed early");
        return;
    }
    uint64_t now = now_ns();
    size_t used = c->stage == BODY ? 0 : read_head(c, bytes, (size_t)n);
    if (c->stage != BODY && c->head_len >= HEAD_SIZE - 1)
        on_closed(c, "head too long");
    else if (c->stage == BODY && read_body(c, bytes + used, (size_t)n - used, now))
        finish(c);
}

static void on_writable(struct client *c)
{
    while (c->sent < opt.request.len) {
        ssize_t n = send(c->fd, opt.request.data + c->sent, opt.request.len - c->sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            on_closed(c, strerror(errno));
            return;
        }
        c->sent += (size_t)n;
    }
    c->stage = HEAD;
    listen_for(c, EPOLL_CTL_MOD, EPOLLIN);
}

/* --- the loop --- */

/* Give up what takes too long, and put idle clients that may run to work. */
static void look_after(uint64_t start)
{
    uint64_t now = now_ns();
    double allowed = opt.clients;
    if (opt.rate > 0)
        allowed = 1 + (double)(now - start) / NS_PER_S * opt.rate;
    for (int i = 0; i < opt.clients && i < (int)allowed; i++) {
        struct client *c = &clients[i];
        if (c->stage != IDLE && now > c->began + (uint64_t)(opt.timeout * NS_PER_S)) {
            fail(c, &errors.timeout, "timed out");
            go_idle(c, false);
        }
        if (c->stage == IDLE && more_wanted())
            begin(c);
    }
}

static void on_event(const struct epoll_event *e)
{
    struct client *c = e->data.ptr;
    bool was_busy = c->stage != IDLE;
    if (c->stage == SENDING && e->events & EPOLLOUT)
        on_writable(c);
    else if (c->fd >= 0)
        on_readable(c);
    if (was_busy && c->stage == IDLE && more_wanted())
        begin(c);
}

static double run(void)
{
    struct epoll_event ready[EVENTS_AT_ONCE];
    uint64_t start = now_ns(), looked = 0;
    deadline = start + (uint64_t)(opt.seconds * NS_PER_S);
    while (active || more_wanted()) {
        if (now_ns() > looked + TICK_MS * 1000000ull || opt.rate > 0) {
            looked = now_ns();
            look_after(start);
        }
        int n = epoll_wait(poller, ready, EVENTS_AT_ONCE, opt.rate > 0 ? 1 : TICK_MS);
        for (int i = 0; i < n; i++)
            on_event(&ready[i]);
    }
    return (double)(now_ns() - start) / NS_PER_S;
}

static void build_request(void)
{
    struct buffer *r = &opt.request;
    struct buffer body = {0};
    if (opt.body_file) {
        FILE *f = fopen(opt.body_file, "rb");
        if (!f)
            die(opt.body_file);
        for (size_t n = 1; n > 0; body.len += n) {
            reserve(&body, 65536);
            n = fread(body.data + body.len, 1, 65536, f);
        }
        fclose(f);
    }
    addf(r, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", body.len ? "POST" : "GET", opt.path,
         opt.port);
    if (opt.headers.len)
        add(r, opt.headers.data, opt.headers.len);
    if (!opt.keep_alive)
        addf(r, "Connection: close\r\n");
    if (body.len)
        addf(r, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.len);
    addf(r, "\r\n");
    if (body.len)
        add(r, body.data, body.len);
    free(body.data);
}

static void choose_dialect(const char *name)
{
    for (size_t i = 0; i < sizeof DIALECTS / sizeof *DIALECTS; i++)
        if (!strcmp(DIALECTS[i].name, name)) {
            opt.end = DIALECTS[i].end;
            return;
        }
    fprintf(stderr, "load: no dialect %s\n", name);
    exit(2);
}

static void take_option(int letter, const char *value)
{
    switch (letter) {
    case 'p': opt.port = atoi(value); break;
    case 'u': opt.path = value; break;
    case 'b': opt.body_file = value; break;
    case 'c': opt.clients = atoi(value); break;
    case 'n': opt.requests = atol(value); break;
    case 't': opt.seconds = atof(value); break;
    case 'd': choose_dialect(value); break;
    case 'e': opt.tokens = atol(value); break;
    case 'k': opt.keep_alive = true; break;
    case 'r': opt.rate = atof(value); break;
    case 'H': addf(&opt.headers, "%s\r\n", value); break;
    case 'T': opt.timeout = atof(value); break;
    default: exit(2);
    }
}

int main(int argc, char **argv)
{
    int letter;
    while ((letter = getopt(argc, argv, "p:u:b:c:n:t:d:e:kr:H:T:")) != -1)
        take_option(letter, optarg);
    if (!opt.port || opt.clients < 1 || (opt.requests < 0 && opt.seconds <= 0)) {
        fprintf(stderr, "load: needs -p, -c and -n or -t; see the head of load.c\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    address = loopback(opt.port);
    build_request();
    poller = epoll_create1(EPOLL_CLOEXEC);
    clients = calloc((size_t)opt.clients, sizeof *clients);
    if (!clients)
        die("calloc");
    for (int i = 0; i < opt.clients; i++)
        clients[i].fd = -1;
    print_results(run());
    return 0;
}
