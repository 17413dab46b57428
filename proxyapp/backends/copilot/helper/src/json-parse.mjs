/**
 * Stands in for pi-ai's utils/json-parse.js, which reads the whole of a call's arguments
 * anew for every delta. Here they are not even looked at, as that alone would copy the text
 * that has grown: the deltas are told as they are, and read once, when the call is complete.
 */
const STRING = /"(?:[^"\\]|\\[\s\S])*"/g;
const SUSPECT = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\|[\u0000-\u001f]/g;
const NAMED = { "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Escape what models forget to: control characters and stray backslashes in strings. */
export function repairJson(text) {
  return text.replace(STRING, (string) => string.replace(SUSPECT, escaped));
}

function escaped(found) {
  if (found.length > 1) return found;
  if (found === "\\") return "\\\\";
  return NAMED[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export function parseJsonWithRepair(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const repaired = repairJson(text);
    if (repaired === text) throw error;
    return JSON.parse(repaired);
  }
}

/** Arguments as text: nothing here may look into them before they are complete. */
export class Unread {
  constructor(text) {
    this.text = text ?? "";
  }
}

export function parseStreamingJson(text) {
  return new Unread(text);
}
