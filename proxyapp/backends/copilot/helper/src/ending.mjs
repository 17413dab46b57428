/**
 * How a reply ended, read off the last bytes of its body: neither version of pi-ai passes
 * on all of it, and the older one takes a reply that broke off for a complete one.
 */
const STOPS = {
  "openai-completions": /"finish_reason"\s*:\s*"(\w+)"/g,
  "anthropic-messages": /"stop_reason"\s*:\s*"(\w+)"/g,
};
const SEQUENCE = /"stop_sequence"\s*:\s*("(?:[^"\\]|\\.)*")/g;
const REFUSAL = /"refusal"\s*:\s*("(?:[^"\\]|\\.)*")/g;

/** Give {stop, stopSequence, refusal}; without a stop the reply is not complete. */
export function endingOf(api, { tail, stop: mended }, message) {
  const stop = message.rawStopReason ?? mended ?? all(STOPS[api], tail).at(-1);
  const sequence = api === "anthropic-messages" ? all(SEQUENCE, tail).at(-1) : undefined;
  const refusal = api === "openai-completions" ? all(REFUSAL, tail).map(JSON.parse).join("") : "";
  return { stop, stopSequence: sequence && JSON.parse(sequence), refusal };
}

function all(pattern, text) {
  return pattern ? [...text.matchAll(pattern)].map(([, found]) => found) : [];
}
