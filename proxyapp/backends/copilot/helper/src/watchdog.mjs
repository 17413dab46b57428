/** The longest time a timer can be set to; it would end a longer one at once. */
const LONGEST = 2 ** 31 - 2;

const bounded = (ms, otherwise) => (ms > 0 ? Math.min(ms, LONGEST) : otherwise);

/**
 * Three clocks of one call: until Copilot answers, between two of its bytes, and altogether.
 * Bytes only leave their time behind; one timer looks at it when it might be too old.
 */
export class Watchdog {
  #limits;
  #expire;
  #paused;
  #timer;
  #total;
  #kind = "connect_timeout";
  #since = performance.now();

  /** `expire` is told the kind and the limit; `paused` says when silence is our own doing. */
  constructor({ connectMs, idleMs, totalMs }, expire, paused) {
    const connect = bounded(connectMs, 30_000);
    this.#limits = { connect_timeout: connect, idle_timeout: bounded(idleMs, 120_000) };
    this.#expire = expire;
    this.#paused = paused;
    const total = bounded(totalMs);
    if (total) this.#total = setTimeout(() => this.#over("total_timeout", total), total);
    this.#look();
  }

  /** Begin anew: another request is on its way. */
  connecting() {
    this.#turn("connect_timeout");
  }

  answered() {
    this.#turn("idle_timeout");
  }

  touch() {
    this.#since = performance.now();
  }

  stop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#total);
  }

  #turn(kind) {
    this.#kind = kind;
    this.touch();
    clearTimeout(this.#timer);
    this.#look();
  }

  #look() {
    const limit = this.#limits[this.#kind];
    if (this.#paused()) this.touch();
    const left = this.#since + limit - performance.now();
    if (left <= 0) this.#over(this.#kind, limit);
    else this.#timer = setTimeout(() => this.#look(), left + 1);
  }

  #over(kind, limit) {
    this.stop();
    this.#expire(kind, limit);
  }
}
