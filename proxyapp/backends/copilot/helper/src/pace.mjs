const SHARE = 32 * 1024;

/**
 * Keeps bytes that have arrived already from being read in one go: they would be read
 * without the event loop turning, however many there are and whoever else waits.
 */
export class Pace {
  #taken = 0;
  #turn = null;

  took(bytes) {
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#taken = 0;
        this.#turn = null;
        resolve();
      });
    });
    this.#taken += bytes;
  }

  /** Give what to wait for before more is read, if this turn has had its share. */
  wait() {
    return this.#taken > SHARE ? this.#turn : undefined;
  }
}
