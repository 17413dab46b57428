import { Text, Thinking, ToolCall } from "./blocks.mjs";

const EVENT = /^(text|thinking|toolcall)_(start|delta|end)$/;

/**
 * Turns pi-ai's events into those of the protocol.
 *
 * pi-ai numbers blocks as they began, but goes back to earlier ones: through the completions
 * API all text is one block, and all ends come last. Here a block is told to its end before
 * the next one; what comes of another meanwhile is held. `partial` is one live object, so
 * only what has been settled is read from it.
 */
export class Narrator {
  calls = 0;
  #early;
  #blocks = new Map();
  #current = null;
  #held = [];
  #next = 0;

  constructor(api) {
    this.#early = api === "openai-completions";
  }

  /** Whether there was nothing to tell. */
  get silent() {
    return this.#next === 0;
  }

  /** Give the events that follow from one of pi-ai's. */
  tell(event) {
    const found = EVENT.exec(event.type);
    if (!found) return [];
    const [, kind, act] = found;
    const block = this.#blockOf(kind, act, event);
    if (!this.#mayTell(block)) {
      this.#held.push(event);
      return [];
    }
    const owed = block === this.#current || block.closed ? [] : this.#enter(block);
    const told = act === "start" ? owed : [...owed, ...block[act](event)];
    return this.#held.length && block.settled ? [...told, ...this.#release()] : told;
  }

  /** Give what is still owed when the reply is over; `cut` says that its limit ended it. */
  end({ cut }) {
    const told = [];
    for (;;) {
      told.push(...(this.#current?.close({ cut: cut && !this.#held.length }) ?? []));
      if (!this.#held.length) return told;
      this.#current = null;
      told.push(...this.#release());
    }
  }

  #blockOf(kind, act, event) {
    const number = event.contentIndex;
    const known = this.#blocks.get(number);
    // Words that come after their block was closed are a block of their own.
    const resumed = known?.closed && act === "delta" && kind !== "toolcall";
    if (known && !resumed) return known;
    const block = this.#made(kind, event.partial.content[number] ?? {});
    this.#blocks.set(number, block);
    return block;
  }

  #made(kind, live) {
    const allot = () => this.#next++;
    if (kind === "text") return new Text(allot);
    if (kind === "thinking") return new Thinking(allot, live, this.#early);
    this.calls += 1;
    return new ToolCall(allot, live);
  }

  #mayTell(block) {
    if (block === this.#current || block.closed) return true;
    return this.#held.length === 0 && (this.#current === null || this.#current.settled);
  }

  #enter(block) {
    const owed = this.#current?.close() ?? [];
    this.#current = block;
    return owed;
  }

  #release() {
    const held = this.#held;
    this.#held = [];
    return held.flatMap((event) => this.tell(event));
  }
}
