/* See llama.h. The shapes were read off llama-server's own replies (build b1-0c1e570). */
#include "llama.h"

enum { PROMPT_TOKENS = 12, EMBEDDING_SIZE = 256 };

/* --- HTTP --- */

static const char *connection_line(bool keep_alive)
{
    return keep_alive ? "" : "Connection: close\r\n";
}

void llama_reply(struct buffer *out, const char *status, const struct buffer *body,
                 bool keep_alive)
{
    addf(out,
         "HTTP/1.1 %s\r\nServer: llama.cpp\r\nAccess-Control-Allow-Origin: \r\n"
         "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
         "%s\r\n",
         status, body->len, connection_line(keep_alive));
    add(out, body->data, body->len);
}

void llama_stream_head(struct buffer *out, bool keep_alive)
{
    addf(out,
         "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nAccess-Control-Allow-Origin: \r\n"
         "X-Accel-Buffering: no\r\nContent-Type: text/event-stream\r\n"
         "Transfer-Encoding: chunked\r\n%s\r\n",
         connection_line(keep_alive));
}

static void put_chunk(struct buffer *out, const struct buffer *payload)
{
    addf(out, "%zx\r\n", payload->len);
    add(out, payload->data, payload->len);
    add(out, "\r\n", 2);
}

/* --- chat --- */

static void write_stamp(char *to)
{
    static uint64_t last;
    uint64_t t = now_ns();
    /* Strictly growing, so that a reader can tell a new token from a repeated one. */
    if (t <= last)
        t = last + 1;
    last = t;
    for (int i = STAMP_DIGITS - 1; i >= 0; i--, t >>= 4)
        to[i] = "0123456789abcdef"[t & 15];
}

static void put_usage(struct buffer *b, long tokens)
{
    addf(b,
         "\"usage\":{\"completion_tokens\":%ld,\"prompt_tokens\":%d,\"total_tokens\":%ld,"
         "\"prompt_tokens_details\":{\"cached_tokens\":0}}",
         tokens, PROMPT_TOKENS, tokens + PROMPT_TOKENS);
}

static void put_timings(struct buffer *b, long tokens)
{
    addf(b,
         "\"timings\":{\"cache_n\":0,\"prompt_n\":%d,\"prompt_ms\":6.0,"
         "\"prompt_per_token_ms\":0.5,\"prompt_per_second\":2000.0,\"predicted_n\":%ld,"
         "\"predicted_ms\":%.1f,\"predicted_per_token_ms\":0.5,"
         "\"predicted_per_second\":2000.0}",
         PROMPT_TOKENS, tokens, (double)tokens * 0.5);
}

void llama_stream_open(struct llama_stream *s, const char *model, unsigned long id)
{
    snprintf(s->tail, sizeof s->tail,
             "\"created\":%ld,\"id\":\"chatcmpl-%032lx\",\"model\":\"%s\","
             "\"system_fingerprint\":\"b1-bench\",\"object\":\"chat.completion.chunk\"",
             (long)time(NULL), id, model);
    struct buffer event = {0};
    addf(&event, "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,"
                 "\"delta\":{\"content\":\"@");
    size_t stamp_in_event = event.len;
    addf(&event, "%0*d \"}}],%s}\n\n", STAMP_DIGITS, 0, s->tail);
    s->chunk.len = 0;
    put_chunk(&s->chunk, &event);
    s->event_at = s->chunk.len - event.len - 2;
    s->stamp_at = s->event_at + stamp_in_event;
    free(event.data);
}

/* The first token shares its HTTP chunk with the role, as llama-server's does. */
void llama_stream_token(struct buffer *out, struct llama_stream *s, bool first)
{
    struct buffer joined = {0};
    write_stamp(s->chunk.data + s->stamp_at);
    if (!first) {
        add(out, s->chunk.data, s->chunk.len);
        return;
    }
    addf(&joined,
         "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":"
         "{\"role\":\"assistant\",\"content\":null}}],%s}\n\n",
         s->tail);
    add(&joined, s->chunk.data + s->event_at, s->chunk.len - s->event_at - 2);
    put_chunk(out, &joined);
    free(joined.data);
}

/* Timings stand on the last chunk: the finish, or the usage when it was asked for. */
void llama_stream_close(struct buffer *out, struct llama_stream *s, long tokens,
                        bool with_usage)
{
    struct buffer b = {0};
    addf(&b, "data: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}],%s",
         s->tail);
    if (with_usage) {
        addf(&b, "}\n\ndata: {\"choices\":[],%s,", s->tail);
        put_usage(&b, tokens);
    }
    addf(&b, ",");
    put_timings(&b, tokens);
    addf(&b, "}\n\n");
    put_chunk(out, &b);
    b.len = 0;
    addf(&b, "data: [DONE]\n\n");
    put_chunk(out, &b);
    free(b.data);
    addf(out, "0\r\n\r\n");
}

void llama_chat(struct buffer *body, const char *model, unsigned long id, long tokens)
{
    char token[] = "@0000000000000000 ";
    addf(body, "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":"
               "{\"role\":\"assistant\",\"content\":\"");
    for (long i = 0; i < tokens; i++) {
        write_stamp(token + 1);
        add(body, token, sizeof token - 1);
    }
    addf(body, "\"}}],\"created\":%ld,\"model\":\"%s\",\"system_fingerprint\":\"b1-bench\","
               "\"object\":\"chat.completion\",", (long)time(NULL), model);
    put_usage(body, tokens);
    addf(body, ",\"id\":\"chatcmpl-%032lx\",", id);
    put_timings(body, tokens);
    addf(body, "}");
}

/* --- the rest --- */

void llama_embeddings(struct buffer *body, const char *model, int texts)
{
    addf(body,
         "{\"model\":\"%s\",\"object\":\"list\",\"usage\":{\"prompt_tokens\":%d,"
         "\"total_tokens\":%d},\"data\":[",
         model, texts * 2, texts * 2);
    for (int i = 0; i < texts; i++) {
        addf(body, "%s{\"embedding\":[", i ? "," : "");
        for (int j = 0; j < EMBEDDING_SIZE; j++)
            addf(body, "%s%.17g", j ? "," : "", (double)(j - 100) / 1024);
        addf(body, "],\"index\":%d,\"object\":\"embedding\"}", i);
    }
    addf(body, "]}");
}

void llama_models(struct buffer *body)
{
    addf(body,
         "{\"models\":[{\"name\":\"bench\",\"model\":\"bench\",\"modified_at\":\"\","
         "\"size\":\"\",\"digest\":\"\",\"type\":\"model\",\"description\":\"\","
         "\"tags\":[\"\"],\"capabilities\":[\"completion\"],\"parameters\":\"\","
         "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"\","
         "\"families\":[\"\"],\"parameter_size\":\"\",\"quantization_level\":\"\"}}],"
         "\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"aliases\":[\"bench\"],"
         "\"tags\":[],\"object\":\"model\",\"created\":%ld,\"owned_by\":\"llamacpp\","
         "\"meta\":{\"vocab_type\":2,\"n_vocab\":8205,\"n_ctx\":131072,"
         "\"n_ctx_train\":131072,\"n_embd\":%d,\"n_params\":535552,\"size\":1071488,"
         "\"ftype\":\"F16\"}}]}",
         (long)time(NULL), EMBEDDING_SIZE);
}

/* As many slots as there can be streams: nothing here ever queues. */
void llama_props(struct buffer *body)
{
    addf(body,
         "{\"default_generation_settings\":{\"params\":{\"seed\":42,\"temperature\":0.8,"
         "\"top_k\":40,\"top_p\":0.95,\"min_p\":0.05,\"max_tokens\":-1,\"n_predict\":-1,"
         "\"stream\":false,\"reasoning_format\":\"none\"},\"n_ctx\":131072},"
         "\"total_slots\":4096,\"model_alias\":\"bench\",\"model_ftype\":\"F16\","
         "\"model_path\":\"bench.gguf\",\"modalities\":{\"vision\":false,"
         "\"video\":false,\"audio\":false},\"endpoint_slots\":false,"
         "\"endpoint_props\":false,\"endpoint_metrics\":false,\"ui\":false,"
         "\"chat_template\":\"{%%- for message in messages %%}"
         "{{- message.content }}{%%- endfor %%}\","
         "\"chat_template_caps\":{\"supports_object_arguments\":true,"
         "\"supports_parallel_tool_calls\":true,\"supports_string_content\":true,"
         "\"supports_system_role\":true,\"supports_tool_calls\":true,"
         "\"supports_tools\":true,\"supports_typed_content\":false},"
         "\"bos_token\":\"<|endoftext|>\",\"eos_token\":\"<|im_end|>\","
         "\"build_info\":\"b1-bench\",\"is_sleeping\":false}");
}

void llama_health(struct buffer *body)
{
    addf(body, "{\"status\":\"ok\"}");
}

void llama_not_found(struct buffer *body)
{
    addf(body, "{\"error\":{\"message\":\"File Not Found\",\"type\":\"not_found_error\","
               "\"code\":404}}");
}
