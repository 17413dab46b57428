import { createServer } from "node:net";

import { Connection } from "./connection.mjs";
import { log } from "./log.mjs";

const OWNER_ONLY = 0o077;
/** A socket is not run by anybody. */
const NO_EXECUTION = 0o100;

/** Listens where the gateway said, for as long as somebody is connected. */
export class Server {
  #limits;
  #lingerMs;
  #connections = new Set();
  #server;
  #linger;

  constructor({ limits, lingerMs }) {
    this.#limits = limits;
    this.#lingerMs = lingerMs;
  }

  listen(path, methods, onIdle) {
    this.onIdle = onIdle;
    this.#server = createServer((socket) => this.#accept(socket, methods));
    process.umask(OWNER_ONLY | NO_EXECUTION);
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, () => {
        process.umask(OWNER_ONLY);
        this.#await();
        resolve();
      });
    });
  }

  /** Take no more connections, and end those that are open. */
  close() {
    clearTimeout(this.#linger);
    this.#server.close();
    for (const connection of this.#connections) connection.end();
  }

  cancelAll() {
    for (const connection of this.#connections) connection.cancelAll();
  }

  #accept(socket, methods) {
    clearTimeout(this.#linger);
    const connection = new Connection(socket, methods, this.#limits);
    this.#connections.add(connection);
    socket.on("close", () => {
      this.#connections.delete(connection);
      this.#await();
    });
  }

  #await() {
    clearTimeout(this.#linger);
    if (this.#connections.size || !this.#server.listening) return;
    this.#linger = setTimeout(() => {
      log("nobody is connected any more");
      this.onIdle();
    }, this.#lingerMs);
  }
}
