#define _GNU_SOURCE
#include "request.h"

#include <strings.h>

enum { HEAD_MAX = 65536, BODY_MAX = 64 << 20 };

static const char *header(const struct request *r, const struct buffer *in,
                          const char *name)
{
    char *found = strcasestr(in->data, name);
    if (!found || found >= in->data + r->head_len)
        return NULL;
    found += strlen(name);
    return found + strspn(found, " \t");
}

/* A body without a length that can be read gets 404 and a closed connection: every
 * gateway measured here sends Content-Length to llama-server. */
bool read_head(struct request *r, const struct buffer *in)
{
    size_t searched = in->len < HEAD_MAX ? in->len : HEAD_MAX;
    char *end = memmem(in->data, searched, "\r\n\r\n", 4);
    if (!end)
        return false;
    memset(r, 0, sizeof *r);
    strcpy(r->model, "bench");
    r->head_len = (size_t)(end - in->data) + 4;
    if (sscanf(in->data, "%7s %511s", r->method, r->path) != 2)
        r->path[0] = 0;
    const char *length = header(r, in, "\r\ncontent-length:");
    const char *connection = header(r, in, "\r\nconnection:");
    r->body_len = length ? strtoul(length, NULL, 10) : 0;
    r->keep_alive = !(connection && !strncasecmp(connection, "close", 5));
    if (r->body_len > BODY_MAX || header(r, in, "\r\ntransfer-encoding:")) {
        r->body_len = 0;
        r->keep_alive = false;
        r->path[0] = 0;
    }
    return true;
}

static const char *string_end(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p < end ? p : end;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static bool is(const char *p, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(p, word, n);
}

static void take_field(struct request *r, int depth, const char *key, size_t n,
                       const char *value, const char *end)
{
    if (depth == 2 && is(key, n, "include_usage"))
        r->include_usage = *value == 't';
    if (depth != 1)
        return;
    if (is(key, n, "stream"))
        r->stream = *value == 't';
    if (is(key, n, "model") && *value == '"') {
        size_t len = (size_t)(string_end(value + 1, end) - value - 1);
        snprintf(r->model, sizeof r->model, "%.*s", (int)len, value + 1);
    }
}

/* One pass that knows strings and depth: a message that quotes "stream": true is text. */
void read_body(struct request *r, const char *p, const char *end)
{
    int depth = 0;
    bool in_input = false;
    for (; p < end; p++) {
        if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        if (*p != '"')
            continue;
        const char *text = p + 1;
        p = string_end(text, end);
        const char *after = skip_space(p + (p < end), end);
        if (after < end && *after == ':') {
            size_t n = (size_t)(p - text);
            if (depth == 1)
                in_input = is(text, n, "input");
            take_field(r, depth, text, n, skip_space(after + 1, end), end);
        } else if (in_input) {
            r->inputs++;
        }
    }
}
