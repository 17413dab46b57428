import { CODES, RpcError, asRpcError } from "./errors.mjs";
import { LineSplitter, LineWriter } from "./framing.mjs";
import { log } from "./log.mjs";

const EVENT = '{"jsonrpc":"2.0","method":';

/** One connection of a worker: lines in, lines out, and what is running for it. */
export class Connection {
  calls = new Map();
  #socket;
  #methods;
  #writer;

  constructor(socket, methods, limits) {
    this.#socket = socket;
    this.#methods = methods;
    this.#writer = new LineWriter(socket, limits, () => this.#stalled());
    const lines = new LineSplitter(limits.line);
    socket.on("data", (chunk) => this.#received(lines, chunk));
    socket.on("error", () => {});
    socket.on("end", () => this.cancelAll());
    socket.on("close", () => this.cancelAll());
  }

  get blocked() {
    return this.#writer.blocked;
  }

  drained() {
    return this.#writer.drained();
  }

  notify(method, params) {
    this.#writer.send(`${EVENT}"${method}","params":${JSON.stringify(params)}}\n`);
  }

  cancelAll(kind) {
    for (const call of this.calls.values()) call.cancel(kind);
  }

  /** Say what is still to say, and close. */
  end() {
    this.#writer.flush();
    this.#socket.end();
  }

  #received(lines, chunk) {
    try {
      for (const line of lines.feed(chunk)) if (line.trim()) this.#handle(line);
    } catch (error) {
      this.#reply(null, { error: new RpcError(CODES.request, error.message) });
      this.cancelAll();
      this.#writer.flush();
      this.#socket.destroySoon();
    }
  }

  #handle(line) {
    let request;
    try {
      request = JSON.parse(line);
    } catch {
      return this.#reply(null, { error: new RpcError(CODES.parse, "this is not JSON") });
    }
    const named = typeof request?.method === "string" && request.jsonrpc === "2.0";
    if (!named || Array.isArray(request)) {
      const error = new RpcError(CODES.request, "this is not a JSON-RPC request");
      return this.#reply(request?.id ?? null, { error });
    }
    return this.#serve(request);
  }

  async #serve({ id, method, params }) {
    const answer = await this.#answer(id, method, params ?? {});
    if (id !== undefined) this.#reply(id, answer);
  }

  async #answer(id, name, params) {
    try {
      const method = this.#methods.get(name);
      if (!method) throw new RpcError(CODES.method, `there is no method ${name}`);
      if (typeof params !== "object" || Array.isArray(params)) {
        throw new RpcError(CODES.params, "params must be an object");
      }
      return { result: await method(params, this, id) };
    } catch (error) {
      if (!(error instanceof RpcError)) log(`${name}: ${error?.stack ?? error}`);
      return { error: asRpcError(error) };
    }
  }

  #reply(id, answer) {
    this.#writer.send(`${JSON.stringify({ jsonrpc: "2.0", id, ...answer })}\n`);
  }

  #stalled() {
    log("a connection does not read; its calls end");
    this.cancelAll("queue_overflow");
    this.#socket.destroy();
  }
}
