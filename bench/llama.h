/* What llama-server says, in its key order and its HTTP framing. No sockets, no state. */
#ifndef BENCH_LLAMA_H
#define BENCH_LLAMA_H

#include "io.h"

/* What all chunks of one stream have in common, written once. */
struct llama_stream {
    struct buffer chunk; /* a token's event in its HTTP chunk, complete but for its stamp */
    size_t event_at, stamp_at;
    char tail[320]; /* what every chunk says after its choices */
};

void llama_reply(struct buffer *out, const char *status, const struct buffer *body,
                 bool keep_alive);
void llama_stream_head(struct buffer *out, bool keep_alive);
void llama_stream_open(struct llama_stream *s, const char *model, unsigned long id);
void llama_stream_token(struct buffer *out, struct llama_stream *s, bool first);
void llama_stream_close(struct buffer *out, struct llama_stream *s, long tokens,
                        bool with_usage);

void llama_chat(struct buffer *body, const char *model, unsigned long id, long tokens);
void llama_embeddings(struct buffer *body, const char *model, int texts);
void llama_models(struct buffer *body);
void llama_props(struct buffer *body);
void llama_health(struct buffer *body);
void llama_not_found(struct buffer *body);

#endif
