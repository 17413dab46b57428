import { failure } from "./errors.mjs";

/** Copilot's own words for what a status alone does not tell. */
const BY_CODE = [
  [/context_length|max_prompt_tokens|prompt is too long|context window/i, "context_overflow"],
  [/model_not_supported|model_not_found/i, "not_found"],
  [/no_available_model_endpoints|terms_not_accepted|policy/i, "forbidden"],
  [/quota|insufficient_|payment/i, "quota"],
  [/rate_?limit/i, "rate_limit"],
  [/content_filter|content management policy/i, "content_filter"],
];
/** Which of these a status may mean. */
const DOUBTFUL = {
  400: ["context_overflow", "not_found", "forbidden", "content_filter"],
  403: ["quota", "rate_limit"],
  422: ["context_overflow", "not_found"],
  429: ["quota"],
};
const BY_STATUS = {
  ...{ 400: "bad_request", 401: "auth", 402: "quota", 403: "forbidden", 404: "not_found" },
  ...{ 408: "upstream", 413: "too_large", 422: "bad_request", 429: "rate_limit" },
};
/** What the older pi-ai says of a refusal. */
const NAMELESS = "An unknown error occurred";
const BY_STOP = [
  [/refusal/, "refusal"],
  [/content_filter|sensitive/, "content_filter"],
];
/** Errors that come inside of a stream, with no status. */
const IN_STREAM = [
  [/rate_limit/, "rate_limit"],
  [/quota/, "quota"],
  [/context_length|prompt is too long/, "context_overflow"],
  [/invalid_request/, "bad_request"],
  [/authentication_error/, "auth"],
  [/permission_error/, "forbidden"],
  [/content_filter/, "content_filter"],
  [/ended (before|without)|terminated|premature|other side closed|ECONNRESET/i, "incomplete"],
];

/** Make the error of a reply that pi-ai calls failed, from all that is known of it. */
export function replyFailure(message, { exchange, stop, partial }) {
  const { status, requestId, retryAfter, body } = exchange;
  if (exchange.refusal) return exchange.refusal;
  const details = { requestId, partial };
  if (status === undefined) return failure("network", reasonOf(exchange.error, message), details);
  if (status >= 400) {
    const wait = { retryAfter, retryAfterMs: milliseconds(retryAfter) };
    const kind = kindOf(status, body);
    return failure(kind, wordsOf(status, body), { ...details, ...wait, httpStatus: status, body });
  }
  const kind = found(BY_STOP, stop) ?? found(IN_STREAM, message) ?? "upstream";
  return failure(kind, message === NAMELESS && stop ? stop : unwrapped(message), { ...details, httpStatus: status });
}

/** Say whether an answer that pi-ai calls complete was withheld, and by whom. */
export function withheld({ stop, refusal }, silent) {
  return found(BY_STOP, stop) ?? (silent && refusal ? "refusal" : undefined);
}

function kindOf(status, body) {
  const known = BY_STATUS[status] ?? (status >= 500 ? "upstream" : "bad_request");
  const named = found(BY_CODE, body);
  return DOUBTFUL[status]?.includes(named) ? named : known;
}

function found(table, text) {
  return text ? table.find(([pattern]) => pattern.test(text))?.[1] : undefined;
}

/** Give the sentence in an error's body, or its first words. */
function wordsOf(status, body) {
  const told = sentenceIn(body);
  if (told) return told;
  const text = body.includes("<html") || body.includes("<!DOCTYPE") ? "" : body.trim();
  return text.slice(0, 300) || `status ${status}`;
}

function sentenceIn(text) {
  try {
    const { error, message } = JSON.parse(text);
    const told = error?.message ?? error ?? message;
    return typeof told === "string" ? told : undefined;
  } catch {
    return undefined;
  }
}

function unwrapped(message) {
  return sentenceIn(message) ?? message;
}

function reasonOf(error, message) {
  return error?.cause?.message || error?.cause?.code || error?.message || message;
}

function milliseconds(retryAfter) {
  if (!retryAfter) return undefined;
  const wait = Number(retryAfter) * 1000;
  const until = Number.isNaN(wait) ? Date.parse(retryAfter) - Date.now() : wait;
  return Number.isFinite(until) ? Math.max(0, Math.round(until)) : undefined;
}
