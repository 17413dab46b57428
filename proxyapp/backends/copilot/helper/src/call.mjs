import { stampedContext } from "./context.mjs";
import { endingOf } from "./ending.mjs";
import { CODES, RpcError, badParams, failure } from "./errors.mjs";
import { Narrator } from "./events.mjs";
import { Exchange } from "./exchange.mjs";
import { replyFailure, withheld } from "./failures.mjs";
import { checkPatch, finishPayload } from "./payload.mjs";
import { Watchdog } from "./watchdog.mjs";

const WORDS = {
  aborted: () => "the call was cancelled",
  connect_timeout: (ms) => `no answer for ${ms} ms`,
  idle_timeout: (ms) => `silence for ${ms} ms`,
  total_timeout: (ms) => `not complete after ${ms} ms`,
  queue_overflow: () => "the reader does not read",
};
const WITHHELD = "the answer was withheld";
/** The last word of a model that reached the end of its context: a limit like any other. */
const CONTEXT_FULL = "model_context_window_exceeded";

/** One reply of Copilot, told to one connection. */
export class Call {
  #services;
  #params;
  #connection;
  #abort = new AbortController();
  #stopped;
  #exchange;
  #begun = false;
  #spoke = performance.now();

  constructor(services, params, connection) {
    this.#services = services;
    this.#params = params;
    this.#connection = connection;
  }

  cancel(kind = "aborted", limit) {
    this.#stopped ??= { kind, limit };
    this.#abort.abort();
  }

  async run() {
    const paused = () => this.#connection.blocked;
    const expire = (kind, limit) => this.cancel(kind, limit);
    this.watchdog = new Watchdog(this.#params.timeouts ?? {}, expire, paused);
    const { heartbeatMs } = this.#services.limits;
    const heart = setInterval(() => this.#beat(heartbeatMs), heartbeatMs / 2);
    try {
      return await Promise.race([this.#answered(), this.#aborted()]);
    } finally {
      clearInterval(heart);
      this.watchdog.stop();
      this.#abort.abort();
    }
  }

  /** Fail as soon as the call is stopped, whatever is being waited for. */
  #aborted() {
    const { signal } = this.#abort;
    return new Promise((_, reject) => {
      const stop = () => this.#stopped && reject(this.#stop());
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
  }

  #stop() {
    const { kind, limit } = this.#stopped;
    return failure(kind, WORDS[kind](limit), { partial: this.#begun });
  }

  async #answered() {
    const entry = modelEntry(this.#params.model);
    const { auth } = this.#params;
    const account = await this.#services.credentials.account(auth);
    try {
      return await this.#asked(entry, account);
    } catch (error) {
      const refused = error.data?.httpStatus === 401 && !this.#begun;
      if (!refused || !account.renewable || this.#stopped) throw error;
    }
    this.watchdog.connecting();
    const renewed = await this.#services.credentials.account(auth, { renewed: true });
    return this.#asked(entry, renewed);
  }

  async #asked(entry, { token, baseUrl }) {
    const { adapter, egress, models, pace } = this.#services;
    const model = models.build(entry, baseUrl);
    const context = stampedContext(this.#params.context, model);
    const options = this.#options(model, context, token);
    this.#exchange = new Exchange({
      onHead: (exchange) => this.#start(model, exchange),
      onBytes: (size) => {
        pace.took(size);
        this.watchdog.touch();
      },
      gate: () => (this.#connection.blocked ? this.#connection.drained() : pace.wait()),
      mender: adapter.mender(model.api),
    });
    return egress.watched(this.#exchange, (headers) =>
      this.#told(model, adapter.stream(model, context, { ...options, headers })),
    );
  }

  #options(model, context, apiKey) {
    const { options = {}, payloadPatch, rawTools } = this.#params;
    // Without a key pi-ai would look for one in the environment.
    if (!apiKey) throw failure("auth", "there is no token");
    const { maxTokens, temperature, cacheRetention, sessionId, reasoning, toolChoice } = options;
    const patch = checkPatch(model.api, payloadPatch);
    const finish = { tools: rawTools ?? context.tools ?? [], toolChoice, patch };
    return {
      ...{ apiKey, maxTokens, temperature, cacheRetention, sessionId },
      reasoning: reasoning === "off" ? undefined : reasoning,
      signal: this.#abort.signal,
      maxRetries: 0,
      onPayload: (payload) => finishPayload(payload, model.api, finish),
    };
  }

  /** Tell the events as they come; give the result, or throw why there is none. */
  async #told(model, stream) {
    const narrator = new Narrator(model.api);
    for await (const event of stream) {
      if (event.type === "done") return this.#done(model, narrator, event.message);
      if (event.type === "error") return this.#failed(model, narrator, event.error);
      this.#say(narrator.tell(event));
      if (this.#connection.blocked) await this.#connection.drained();
    }
    throw failure("incomplete", "the stream ended", { partial: this.#begun });
  }

  #done(model, narrator, message) {
    const ending = endingOf(model.api, this.#exchange, message);
    if (!ending.stop) throw failure("incomplete", "the stream ended early", this.#facts());
    const { stopReason } = message;
    const kind = withheld(ending, narrator.silent);
    if (kind) throw failure(kind, ending.refusal || WITHHELD, this.#facts());
    this.#say(narrator.end({ cut: stopReason === "length" }));
    const called = stopReason === "stop" && narrator.calls > 0;
    return result(message, called ? "toolUse" : stopReason, ending);
  }

  #failed(model, narrator, message) {
    if (this.#stopped) throw this.#stop();
    const ending = endingOf(model.api, this.#exchange, message);
    if (ending.stop === CONTEXT_FULL) {
      this.#say(narrator.end({ cut: true }));
      return result(message, "length", ending);
    }
    const known = { exchange: this.#exchange, stop: ending.stop, partial: this.#begun };
    throw replyFailure(message.errorMessage ?? "the reply failed", known);
  }

  #facts() {
    const { requestId, status: httpStatus } = this.#exchange;
    return { requestId, httpStatus, partial: this.#begun };
  }

  #start(model, { status, quota, requestId }) {
    this.watchdog.answered();
    const roles = this.#params.context.messages;
    const initiator = roles.at(-1)?.role === "user" ? "user" : "agent";
    const { api, id } = model;
    this.#notify({ t: "start", api, model: id, initiator, status, quota, requestId });
  }

  #say(events) {
    if (events.length === 0 || this.#stopped) return;
    this.#begun = true;
    this.#spoke = performance.now();
    for (const params of events) this.#notify(params);
  }

  #notify(params) {
    this.#connection.notify("chat.event", params);
  }

  #beat(interval) {
    if (performance.now() - this.#spoke < interval || this.#connection.blocked) return;
    this.#spoke = performance.now();
    this.#notify({ t: "heartbeat" });
  }
}

function modelEntry(model) {
  const entry = typeof model === "string" ? { id: model } : model;
  if (typeof entry?.id !== "string" || !entry.id) throw badParams("model.id is missing");
  return entry;
}

function result(message, stopReason, { stop, stopSequence }) {
  const { usage, responseId, responseModel } = message;
  const { input, output, cacheRead, cacheWrite, reasoning, totalTokens } = usage;
  const counts = { input, output, cacheRead, cacheWrite, reasoning, totalTokens };
  return { stopReason, rawStopReason: stop, stopSequence, usage: counts, responseId, responseModel };
}

/** Refuse a call where there is no room for it. */
export function busy(limit) {
  return new RpcError(CODES.busy, `${limit} calls are running already`, { kind: "busy" });
}
