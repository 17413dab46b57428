/* upstream: a mock of llama-server that is never the slowest part of a measurement.
 *
 *     upstream PORT
 *
 * One thread, one epoll. It speaks what a gateway asks of llama-server:
 *     POST /v1/chat/completions   server-sent events or one JSON, as the body's "stream" says
 *     POST /v1/embeddings
 *     GET  /v1/models  /models  /props  /health
 * Headers leave alone, each token in a write of its own, as llama-server does it.
 *
 * How it behaves is set from outside, and what happened can be read:
 *     GET /ctl/set?tokens=20&tps=0&head_ms=0&silent_ms=0
 *             tokens a reply; tokens a second, 0 = as fast as the socket takes them; delay
 *             before the headers; delay between headers and first token. What a call does
 *             not name gets the default above. A reply in one JSON takes tokens/tps longer.
 *     GET /ctl/reset   start new counts; requests still open no longer belong to them
 *     GET /ctl/stats   the counts
 *     GET /ctl/gone    clients that left before the end: [{"t_ns", "phase", "emitted"}],
 *             phase being headers, silent, stream, whole (a reply in one JSON) or flushing
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "io.h"
#include "llama.h"
#include "request.h"

enum {
    EVENTS_AT_ONCE = 256,
    GONE_MAX = 4096,
    FAIR_TURN = 64, /* tokens one fast stream may send before the others get their turn */
};

enum phase { READING, HEADERS, SILENT, STREAM, WHOLE, FLUSHING };
static const char *const PHASE_NAMES[] = {
    "reading", "headers", "silent", "stream", "whole", "flushing",
};

struct behaviour {
    long tokens;
    uint64_t interval, head_delay, silence; /* ns */
};

struct conn {
    int fd;
    bool wants_write;
    enum phase phase;
    struct buffer in, out;
    size_t flushed; /* bytes of `out` the socket has taken */
    struct request req;
    bool counted; /* a chat, not a look-up or a control call */
    unsigned epoch;
    struct behaviour how;
    struct llama_stream stream;
    long emitted;
    uint64_t due;
    size_t slot; /* place in the timer heap, counted from 1; 0 = not in it */
};

static int poller, listener, timer;
static struct behaviour behaviour = {.tokens = 20};
static struct conn **heap;
static size_t heap_len, heap_cap;

/* Counts belong to an epoch, so that what an earlier trial left behind cannot leak in. */
static unsigned epoch;
static struct {
    unsigned long requests, streams, tokens, done, open, max_open, lookups, body_bytes;
} stats;
static struct {
    uint64_t at;
    enum phase phase;
    long emitted;
} gone[GONE_MAX];
static size_t gone_len;

/* --- timers: a binary heap on `due`. Streams of different speeds live side by side. --- */

static void heap_put(size_t i, struct conn *c)
{
    heap[i] = c;
    c->slot = i + 1;
}

static void heap_settle(size_t i, struct conn *c)
{
    while (i && heap[(i - 1) / 2]->due > c->due) {
        heap_put(i, heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < heap_len; i = child) {
        if (child + 1 < heap_len && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= c->due)
            break;
        heap_put(i, heap[child]);
    }
    heap_put(i, c);
}

static void schedule(struct conn *c)
{
    if (c->slot) {
        heap_settle(c->slot - 1, c);
        return;
    }
    if (heap_len == heap_cap) {
        heap_cap = heap_cap ? heap_cap * 2 : 256;
        heap = realloc(heap, heap_cap * sizeof(struct conn *));
        if (!heap)
            die("realloc");
    }
    heap_len++;
    heap_settle(heap_len - 1, c);
}

static void unschedule(struct conn *c)
{
    if (!c->slot)
        return;
    size_t hole = c->slot - 1;
    struct conn *last = heap[--heap_len];
    c->slot = 0;
    if (last != c)
        heap_settle(hole, last);
}

/* --- look-ups and control --- */

static double query(const char *path, const char *name, double missing)
{
    size_t n = strlen(name);
    for (const char *p = strchr(path, '?'); p; p = strchr(p, '&')) {
        p++;
        if (!strncmp(p, name, n) && p[n] == '=')
            return atof(p + n + 1);
    }
    return missing;
}

static void ctl_set(const struct request *r, struct buffer *b)
{
    double tps = query(r->path, "tps", 0);
    behaviour.tokens = (long)query(r->path, "tokens", 20);
    behaviour.interval = tps > 0 ? (uint64_t)((double)NS_PER_S / tps) : 0;
    behaviour.head_delay = (uint64_t)(query(r->path, "head_ms", 0) * 1e6);
    behaviour.silence = (uint64_t)(query(r->path, "silent_ms", 0) * 1e6);
    llama_health(b);
}

static void ctl_reset(const struct request *r, struct buffer *b)
{
    (void)r;
    memset(&stats, 0, sizeof stats);
    gone_len = 0;
    epoch++;
    llama_health(b);
}

static void ctl_stats(const struct request *r, struct buffer *b)
{
    (void)r;
    addf(b,
         "{\"requests\":%lu,\"streams\":%lu,\"tokens\":%lu,\"done\":%lu,\"gone\":%zu,"
         "\"open\":%lu,\"max_open\":%lu,\"lookups\":%lu,\"body_bytes\":%lu}",
         stats.requests, stats.streams, stats.tokens, stats.done, gone_len, stats.open,
         stats.max_open, stats.lookups, stats.body_bytes);
}

static void ctl_gone(const struct request *r, struct buffer *b)
{
    (void)r;
    addf(b, "[");
    for (size_t i = 0; i < gone_len; i++)
        addf(b, "%s{\"t_ns\":%llu,\"phase\":\"%s\",\"emitted\":%ld}", i ? "," : "",
             (unsigned long long)gone[i].at, PHASE_NAMES[gone[i].phase], gone[i].emitted);
    addf(b, "]");
}

static void say_embeddings(const struct request *r, struct buffer *b)
{
    llama_embeddings(b, r->model, r->inputs ? r->inputs : 1);
}

static void say_models(const struct request *r, struct buffer *b)
{
    (void)r;
    llama_models(b);
}

static void say_props(const struct request *r, struct buffer *b)
{
    (void)r;
    llama_props(b);
}

static void say_health(const struct request *r, struct buffer *b)
{
    (void)r;
    llama_health(b);
}

static const struct route {
    const char *method, *path;
    void (*say)(const struct request *, struct buffer *);
} ROUTES[] = {
    {"POST", "/v1/embeddings", say_embeddings},
    {"GET", "/v1/models", say_models},
    {"GET", "/models", say_models},
    {"GET", "/props", say_props},
    {"GET", "/health", say_health},
    {"GET", "/v1/health", say_health},
    {"GET", "/ctl/set", ctl_set},
    {"GET", "/ctl/reset", ctl_reset},
    {"GET", "/ctl/stats", ctl_stats},
    {"GET", "/ctl/gone", ctl_gone},
};

static const struct route *find_route(const struct request *r)
{
    size_t n = strcspn(r->path, "?");
    for (size_t i = 0; i < sizeof ROUTES / sizeof *ROUTES; i++) {
        const struct route *route = &ROUTES[i];
        if (!strcmp(route->method, r->method) && strlen(route->path) == n
            && !memcmp(route->path, r->path, n))
            return route;
    }
    return NULL;
}

/* --- replies --- */

static void want_write(struct conn *c, bool wanted)
{
    if (c->wants_write == wanted)
        return;
    struct epoll_event e = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
    c->wants_write = wanted;
}

/* The reply under way is over, well or not. True when it belongs to the present counts. */
static bool leave_counts(struct conn *c)
{
    bool ours = c->counted && c->epoch == epoch;
    c->counted = false;
    stats.open -= ours;
    return ours;
}

/* The client's end of the connection is closed, or it asked us to close ours. A reply
 * that is not all in the socket's hands is one the client did not wait for. */
static void hang_up(struct conn *c)
{
    uint64_t now = now_ns();
    if (leave_counts(c) && gone_len < GONE_MAX) {
        gone[gone_len].at = now;
        gone[gone_len].phase = c->phase;
        gone[gone_len++].emitted = c->emitted;
    }
    unschedule(c);
    close(c->fd);
    free(c->in.data);
    free(c->out.data);
    free(c->stream.chunk.data);
    free(c);
}

enum flow { FLOW_CLEAR, FLOW_BLOCKED, FLOW_GONE };

static enum flow flush(struct conn *c)
{
    while (c->flushed < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->flushed, c->out.len - c->flushed,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            want_write(c, true);
            return FLOW_BLOCKED;
        }
        if (n < 0)
            return FLOW_GONE;
        c->flushed += (size_t)n;
    }
    c->flushed = c->out.len = 0;
    want_write(c, false);
    return FLOW_CLEAR;
}

static void put_whole(struct conn *c)
{
    struct buffer body = {0};
    llama_chat(&body, c->req.model, stats.requests, c->how.tokens);
    llama_reply(&c->out, "200 OK", &body, c->req.keep_alive);
    free(body.data);
    c->emitted = c->how.tokens;
    stats.tokens += (unsigned long)c->emitted;
}

/* One step of a reply whose time has come. */
static void next_part(struct conn *c)
{
    if (c->phase == HEADERS) {
        llama_stream_head(&c->out, c->req.keep_alive);
        c->phase = SILENT;
        c->due += c->how.silence;
    } else if (c->phase == WHOLE) {
        put_whole(c);
        c->phase = FLUSHING;
    } else if (c->emitted < c->how.tokens) {
        llama_stream_token(&c->out, &c->stream, c->emitted == 0);
        c->phase = STREAM;
        c->emitted++;
        c->due += c->how.interval;
        stats.tokens++;
    } else {
        llama_stream_close(&c->out, &c->stream, c->emitted, c->req.include_usage);
        c->phase = FLUSHING;
    }
}

static bool next_request(struct conn *c);

/* All of a reply is written. False when the connection is idle, or no more. */
static bool end_reply(struct conn *c)
{
    stats.done += leave_counts(c);
    c->phase = READING;
    if (c->req.keep_alive)
        return next_request(c);
    hang_up(c);
    return false;
}

/* Say as much as time and socket allow. `c` may be freed. */
static void advance(struct conn *c)
{
    for (int turn = 0; turn < FAIR_TURN; turn++) {
        enum flow flow = flush(c);
        if (flow == FLOW_GONE)
            hang_up(c);
        if (flow != FLOW_CLEAR)
            return;
        if (c->phase == FLUSHING) {
            if (!end_reply(c))
                return;
        } else if (c->due <= now_ns()) {
            next_part(c);
        } else {
            break;
        }
    }
    schedule(c);
}

static void begin_chat(struct conn *c)
{
    stats.requests++;
    stats.streams += c->req.stream;
    if (++stats.open > stats.max_open)
        stats.max_open = stats.open;
    c->counted = true;
    c->epoch = epoch;
    c->how = behaviour;
    c->emitted = 0;
    c->due = now_ns() + c->how.head_delay;
    c->phase = c->req.stream ? HEADERS : WHOLE;
    if (c->req.stream)
        llama_stream_open(&c->stream, c->req.model, stats.requests);
    else
        c->due += c->how.interval * (uint64_t)c->how.tokens;
}

static void begin_lookup(struct conn *c)
{
    struct buffer body = {0};
    const struct route *route = find_route(&c->req);
    if (route)
        route->say(&c->req, &body);
    else
        llama_not_found(&body);
    llama_reply(&c->out, route ? "200 OK" : "404 Not Found", &body, c->req.keep_alive);
    free(body.data);
    stats.lookups += strncmp(c->req.path, "/ctl/", 5) != 0;
    c->phase = FLUSHING;
    c->due = 0;
}

/* Begin the reply to the request that `in` starts with; false when it is not all there. */
static bool next_request(struct conn *c)
{
    struct request *r = &c->req;
    if (!c->in.len || (!r->head_len && !read_head(r, &c->in)))
        return false;
    size_t whole = r->head_len + r->body_len;
    if (c->in.len < whole) {
        reserve(&c->in, whole - c->in.len);
        return false;
    }
    read_body(r, c->in.data + r->head_len, c->in.data + whole);
    stats.body_bytes += r->body_len;
    memmove(c->in.data, c->in.data + whole, c->in.len - whole + 1);
    c->in.len -= whole;
    r->head_len = 0;
    if (!strcmp(r->method, "POST") && !strcmp(r->path, "/v1/chat/completions"))
        begin_chat(c);
    else
        begin_lookup(c);
    return true;
}

/* --- the loop --- */

static void watch(int fd, void *mark)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = mark};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) < 0)
        die("epoll_ctl");
}

static void on_connect(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        if (!c)
            die("calloc");
        c->fd = fd;
        no_delay(fd);
        watch(fd, c);
    }
}

static void on_readable(struct conn *c)
{
    for (;;) {
        reserve(&c->in, 16384);
        ssize_t n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len - 1, 0);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            hang_up(c);
            return;
        }
        c->in.len += (size_t)n;
        c->in.data[c->in.len] = 0;
    }
    if (c->phase == READING && next_request(c))
        advance(c);
}

static void on_event(const struct epoll_event *e)
{
    uint64_t ticks;
    if (e->data.ptr == &listener)
        on_connect();
    else if (e->data.ptr == &timer) {
        if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
            die("timerfd");
    } else if (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(e->data.ptr);
    else
        advance(e->data.ptr);
}

/* Replies whose time has come; those a fast stream puts back wait for the next round. */
static void run_due(void)
{
    uint64_t now = now_ns();
    while (heap_len && heap[0]->due <= now) {
        struct conn *c = heap[0];
        unschedule(c);
        if (c->phase == STREAM && !c->how.interval)
            c->due = now + 1;
        advance(c);
    }
}

/* How long to sleep: not at all, or until the timer fires. The milliseconds of epoll_wait
 * would make paced streams walk in step, and a crowd is cheaper to serve than people. */
static int sleep_ms(void)
{
    static uint64_t armed;
    uint64_t due = heap_len ? heap[0]->due : 0;
    if (heap_len && due <= now_ns())
        return 0;
    if (due != armed) {
        struct itimerspec at = {0};
        at.it_value.tv_sec = (time_t)(due / NS_PER_S);
        at.it_value.tv_nsec = (long)(due % NS_PER_S);
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
        armed = due;
    }
    return -1;
}

static void listen_on(int port)
{
    struct sockaddr_in address = loopback(port);
    int one = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        die("bind");
    if (listen(listener, 4096) < 0)
        die("listen");
}

int main(int argc, char **argv)
{
    struct epoll_event ready[EVENTS_AT_ONCE];
    if (argc != 2) {
        fprintf(stderr, "usage: upstream PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    listen_on(atoi(argv[1]));
    watch(listener, &listener);
    watch(timer, &timer);
    for (;;) {
        int n = epoll_wait(poller, ready, EVENTS_AT_ONCE, sleep_ms());
        for (int i = 0; i < n; i++)
            on_event(&ready[i]);
        run_due();
    }
}
