import { redact } from "./redact.mjs";

/** Write one line to stderr, where the gateway keeps the log. */
export function log(message) {
  process.stderr.write(`${redact(message).replaceAll("\n", " | ")}\n`);
}
