import { randomUUID } from "node:crypto";

import { failure } from "./errors.mjs";

const ALWAYS = ["github.com", "api.github.com"];
const COPILOT = ".githubcopilot.com";
/** Marks the requests of a call, as far as here; it is never sent. */
const MARK = "x-proxyapp-exchange";
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The one way out: every request of this process is a fetch, and every fetch is this one. */
export class Egress {
  #relay;
  #hosts;
  #fetch;
  #exchanges = new Map();

  constructor({ egress, hosts }) {
    this.#relay = egress;
    this.#hosts = new Set([...ALWAYS, ...hosts.flatMap(withServices)]);
  }

  /** Take the place of the global fetch, which the SDKs below pi-ai use. */
  install() {
    this.#fetch = globalThis.fetch;
    globalThis.fetch = (target, init) => this.fetch(target, init);
  }

  allows(host) {
    return this.#hosts.has(host) || host.endsWith(COPILOT);
  }

  /** Run a task whose requests carry certain headers; they are told to the exchange. */
  async watched(exchange, task) {
    const mark = randomUUID();
    this.#exchanges.set(mark, exchange);
    try {
      return await task({ [MARK]: mark });
    } finally {
      this.#exchanges.delete(mark);
    }
  }

  async fetch(target, init = {}) {
    const headers = new Headers(init.headers);
    const exchange = this.#exchanges.get(headers.get(MARK));
    headers.delete(MARK);
    try {
      const url = this.#checked(new URL(target));
      const response = await this.#fetch(url, { ...init, headers, redirect: "manual" });
      if (REDIRECTS.has(response.status)) {
        await response.body?.cancel();
        throw failure("egress", "a redirect was refused", { httpStatus: response.status });
      }
      return exchange ? await exchange.answered(response) : response;
    } catch (error) {
      exchange?.failed(error);
      throw error;
    }
  }

  /** Give the address to fetch; throw for one that is not GitHub's. */
  #checked(url) {
    const plain = url.protocol === "https:" && !url.port && !url.username && !url.password;
    if (!plain || !this.allows(url.hostname)) {
      throw failure("egress", `${url.host} is not a server of GitHub Copilot`);
    }
    if (!this.#relay) return url;
    return new URL(`/${url.host}${url.pathname}${url.search}`, this.#relay);
  }
}

function withServices(host) {
  return [host, `api.${host}`, `copilot-api.${host}`];
}
