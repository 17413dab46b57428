import { randomUUID } from "node:crypto";

import { Unread, parseJsonWithRepair } from "./json-parse.mjs";

const BLANK_LINE = "\n\n";

/**
 * A block of a reply, told by events of its own. `settled` says that another block may be
 * told now; `close` gives the events that are still owed then. Its index is allotted when
 * there is something to tell of it.
 */
class Block {
  closed = false;
  #allot;
  #index;

  constructor(allot) {
    this.#allot = allot;
  }

  get told() {
    return this.#index !== undefined;
  }

  say(type, fields) {
    this.#index ??= this.#allot();
    return { t: type, i: this.#index, ...fields };
  }
}

export class Text extends Block {
  settled = true;

  delta({ delta }) {
    return delta ? [this.say("text", { d: delta })] : [];
  }

  /** Some servers give a text only when it is complete. */
  end({ content }) {
    return this.told || this.closed ? [] : this.delta({ delta: content });
  }

  close() {
    this.closed = true;
    return [];
  }
}

export class Thinking extends Block {
  #ended = false;
  #blank = "";

  /** `early`: through the completions API an end comes with all others, at the very end. */
  constructor(allot, live, early) {
    super(allot);
    this.live = live;
    this.early = early;
  }

  get settled() {
    return this.early || this.#ended;
  }

  /** pi-ai ends each part of a summary with a blank line, the last one too. */
  delta({ delta }) {
    if (!delta) return [];
    const text = this.#blank + delta;
    this.#blank = delta === BLANK_LINE ? text : "";
    return this.#blank ? [] : [this.say("thinking", { d: text })];
  }

  end({ content }) {
    this.#ended = true;
    const whole = this.told || this.closed || this.live.redacted ? undefined : content;
    return [...this.delta({ delta: whole }), ...this.close()];
  }

  close() {
    if (this.closed) return [];
    this.closed = true;
    const { thinkingSignature: signature, redacted } = this.live;
    if (!this.told && !signature) return [];
    const proof = { ...(signature && { signature }), ...(redacted && { redacted }) };
    return [this.say("thinking_end", proof)];
  }
}

export class ToolCall extends Block {
  #pieces = [];
  #begun = false;
  #ended = false;

  constructor(allot, live) {
    super(allot);
    this.live = live;
    this.given = filled(live.arguments);
  }

  get settled() {
    if (this.#ended) return true;
    return Boolean(this.#pieces.at(-1)?.trimEnd().endsWith("}")) && isJson(this.#text());
  }

  delta({ delta }) {
    // A name may come after the first pieces of a call.
    const begun = this.#begun || !this.live.name ? [] : this.#begin();
    if (!delta) return begun;
    this.#pieces.push(delta);
    return this.#begun ? [...begun, this.say("tool_delta", { d: delta })] : [];
  }

  /** A call without arguments may also be one that was cut: `close` decides that. */
  end() {
    this.#ended = true;
    return this.#text().trim() || this.given ? this.close() : [];
  }

  /** A call whose arguments are not complete JSON gets no end, and nothing made up. */
  close({ cut = false } = {}) {
    if (this.closed) return [];
    this.closed = true;
    const begun = this.#begun ? [] : this.#begin();
    const text = this.#arguments(cut);
    return text === undefined ? begun : [...begun, this.say("tool_end", { arguments: text })];
  }

  #begin() {
    this.#begun = true;
    // Of "call|item", the name a call has in the Responses API, clients see the call alone.
    const [callId] = (this.live.id ?? "").split("|");
    const id = callId || `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
    const start = this.say("tool_start", { callId: id, name: this.live.name ?? "" });
    return [start, ...this.#pieces.map((piece) => this.say("tool_delta", { d: piece }))];
  }

  #text() {
    if (this.#pieces.length > 1) this.#pieces = [this.#pieces.join("")];
    return this.#pieces[0] ?? "";
  }

  #arguments(cut) {
    const text = this.#text();
    if (!text.trim()) return this.#ended && !cut ? this.#unsaid() : undefined;
    return isJson(text) ? text : repaired(text);
  }

  /** Some servers give a call's arguments only when it begins, or only when it ends. */
  #unsaid() {
    const { arguments: last } = this.live;
    if (last instanceof Unread && last.text.trim()) return isJson(last.text) ? last.text : undefined;
    return JSON.stringify(this.given ?? {});
  }
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function repaired(text) {
  try {
    return JSON.stringify(parseJsonWithRepair(text));
  } catch {
    return undefined;
  }
}

function filled(value) {
  const known = value && !(value instanceof Unread) && Object.keys(value).length;
  return known ? value : undefined;
}
