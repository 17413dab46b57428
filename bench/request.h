/* Reading of one HTTP request: only what changes the reply. */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include "io.h"

struct request {
    char method[8], path[512], model[128];
    bool keep_alive;
    bool stream, include_usage; /* of the body */
    int inputs;                 /* texts to embed */
    size_t head_len, body_len;  /* head_len is 0 until the head was read */
};

/* Fill `r` from the head at the start of `in`; false when it has not all come yet. */
bool read_head(struct request *r, const struct buffer *in);

/* Fill the body's fields of `r`. The byte at `end` can be read and is no part of it. */
void read_body(struct request *r, const char *p, const char *end);

#endif
