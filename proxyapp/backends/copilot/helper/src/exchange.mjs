import { RpcError } from "./errors.mjs";

const BODY_LIMIT = 4096;
const TAIL_LIMIT = 8192;
const QUOTA = /^(x-quota-snapshot-|x-ratelimit-|x-copilot-.*quota)/;
const REQUEST_IDS = ["x-request-id", "x-github-request-id"];

/**
 * What passed between this process and Copilot for one request.
 *
 * pi-ai tells of a failure in one sentence; here are the status, the headers and the body
 * behind it. `onHead` is told of a successful head, `onBytes` of each piece of a body, and
 * `gate` is awaited before the next piece is read: so a slow reader slows Copilot down.
 * A `mender` may rewrite the pieces.
 */
export class Exchange {
  status;
  requestId;
  retryAfter;
  body;
  error;
  quota = {};
  #hooks;
  #tail = [];
  #tailSize = 0;

  constructor(hooks = {}) {
    this.#hooks = hooks;
  }

  failed(error) {
    this.error ??= error;
  }

  /** The error of our own that no request was sent because of, if there was one. */
  get refusal() {
    return this.error instanceof RpcError ? this.error : undefined;
  }

  /** The last bytes of a successful body, as text; they tell how it ended. */
  get tail() {
    return Buffer.concat(this.#tail).toString("utf8");
  }

  /** What the mender found the reply to end with. */
  get stop() {
    return this.#hooks.mender?.stop;
  }

  async answered(response) {
    const { status, headers } = response;
    this.status = status;
    this.requestId = REQUEST_IDS.map((name) => headers.get(name)).find(Boolean);
    this.retryAfter = headers.get("retry-after") ?? undefined;
    if (!response.ok) {
      this.body = await firstBytes(response.body, BODY_LIMIT);
      return new Response(this.body, { status, headers: withoutLength(headers) });
    }
    this.quota = Object.fromEntries([...headers].filter(([name]) => QUOTA.test(name)));
    this.#hooks.onHead?.(this);
    if (this.#hooks.onBytes) this.#watch(response.body);
    return response;
  }

  /** Stand between the body and its reader; a second stream would cost more than a token. */
  #watch(body) {
    const open = body.getReader.bind(body);
    body.getReader = () => {
      const reader = open();
      const cancel = (reason) => reader.cancel(reason);
      return { read: () => this.#read(reader), cancel, releaseLock: () => reader.releaseLock() };
    };
    body[Symbol.asyncIterator] = () => {
      const reader = body.getReader();
      const stop = async () => (await reader.cancel(), { done: true, value: undefined });
      return { next: reader.read, return: stop };
    };
  }

  async #read(reader) {
    const { gate, mender, onBytes } = this.#hooks;
    const waiting = gate();
    if (waiting) await waiting;
    const { value, done } = await reader.read();
    if (done) return { done: !mender?.held, value: mender?.rest() };
    onBytes(value.length);
    this.#remember(value);
    return { done, value: mender ? mender.mend(value) : value };
  }

  #remember(chunk) {
    this.#tail.push(chunk);
    this.#tailSize += chunk.length;
    while (this.#tailSize - this.#tail[0].length >= TAIL_LIMIT) {
      this.#tailSize -= this.#tail.shift().length;
    }
  }
}

async function firstBytes(body, limit) {
  const chunks = [];
  let size = 0;
  const reader = body?.getReader();
  while (reader && size < limit) {
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  await reader?.cancel();
  return Buffer.concat(chunks).subarray(0, limit).toString("utf8");
}

function withoutLength(headers) {
  const kept = new Headers(headers);
  for (const name of ["content-length", "content-encoding"]) kept.delete(name);
  return kept;
}
