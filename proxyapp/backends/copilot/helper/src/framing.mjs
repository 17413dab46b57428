const LINE_FEED = 0x0a;

/**
 * Splits bytes at line feeds alone: readline would also split at U+2028, which JSON text
 * may hold. Throws RangeError for a line over the limit.
 */
export class LineSplitter {
  #limit;
  #chunks = [];
  #size = 0;

  constructor(limit) {
    this.#limit = limit;
  }

  *feed(chunk) {
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) !== -1; start = end + 1) {
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #keep(piece) {
    this.#size += piece.length;
    if (this.#size > this.#limit) {
      this.#chunks = [];
      throw new RangeError(`a line has more than ${this.#limit} bytes`);
    }
    this.#chunks.push(piece);
  }

  #take() {
    const line = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    return line.toString("utf8");
  }
}

/** Lines on their way into a socket: those of one turn of the event loop in one write. */
export class LineWriter {
  #socket;
  #limits;
  #onStall;
  #lines = [];
  #scheduled = false;
  #drained = null;

  constructor(socket, limits, onStall) {
    this.#socket = socket;
    this.#limits = limits;
    this.#onStall = onStall;
  }

  /** Whether the other side reads more slowly than lines come. */
  get blocked() {
    return this.#drained !== null;
  }

  send(line) {
    this.#lines.push(line);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush() {
    this.#scheduled = false;
    if (this.#lines.length === 0 || this.#socket.destroyed) return;
    const text = this.#lines.join("");
    this.#lines = [];
    const room = this.#socket.write(text);
    if (this.#socket.writableLength > this.#limits.queueBytes) this.#onStall();
    else if (!room && !this.blocked) this.#wait();
  }

  /** Wait until there is room again; resolves at once if there is. */
  drained() {
    return this.#drained?.promise ?? Promise.resolve();
  }

  #wait() {
    const stall = setTimeout(this.#onStall, this.#limits.stallMs);
    let resolve;
    const promise = new Promise((done) => (resolve = done));
    this.#drained = { promise };
    const over = () => {
      clearTimeout(stall);
      this.#socket.off("drain", over);
      this.#socket.off("close", over);
      this.#drained = null;
      resolve();
    };
    this.#socket.on("drain", over);
    this.#socket.on("close", over);
  }
}
