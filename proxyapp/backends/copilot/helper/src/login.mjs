import { randomUUID } from "node:crypto";

import { RpcError, badParams, failure } from "./errors.mjs";
import { log } from "./log.mjs";
import { redact } from "./redact.mjs";

const KEPT = 8;
const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i;
/** What GitHub grants, where pi-ai does not pass it on. */
const LIFETIME = 900;
const INTERVAL = 5;

/** Logins with a device code: pi-ai waits for the user, these tell how far it is. */
export class Logins {
  #adapter;
  #egress;
  #github;
  #store;
  #open = new Map();

  constructor({ adapter, egress, github, store }) {
    this.#adapter = adapter;
    this.#egress = egress;
    this.#github = github;
    this.#store = store;
  }

  async start({ enterpriseDomain }) {
    const domain = this.#checked(enterpriseDomain);
    const login = { state: "pending", abort: new AbortController() };
    const device = await new Promise((resolve, reject) => {
      const asked = { domain, signal: login.abort.signal, onDevice: resolve };
      this.#adapter
        .login(asked)
        .then((credential) => this.#finish(login, credential))
        .catch((error) => {
          Object.assign(login, { state: "error", message: redact(error.message) });
          const known = error instanceof RpcError;
          reject(known ? error : failure("upstream", `GitHub's login: ${error.message}`));
        });
    });
    const loginId = this.#keep(login);
    const { userCode, verificationUri, expiresInSeconds, intervalSeconds } = device;
    const expiresAt = Date.now() + 1000 * (expiresInSeconds ?? LIFETIME);
    return { loginId, userCode, verificationUri, expiresAt, interval: intervalSeconds ?? INTERVAL };
  }

  poll({ loginId }) {
    const { state, message } = this.#find(loginId);
    return message === undefined ? { state } : { state, message };
  }

  cancel({ loginId }) {
    this.#find(loginId).abort.abort();
    this.#open.delete(loginId);
    return {};
  }

  cancelAll() {
    for (const { abort } of this.#open.values()) abort.abort();
  }

  async #finish(login, credential) {
    const { refresh, enterpriseUrl } = credential;
    const whose = await this.#github.account(refresh, enterpriseUrl).catch((error) => {
      log(`GitHub does not tell the plan: ${error.message}`);
      return {};
    });
    if (login.abort.signal.aborted) throw new Error("Login cancelled");
    await this.#store.write({ ...credential, ...whose, type: "oauth" });
    login.state = "complete";
  }

  #checked(domain) {
    if (!domain || domain === "github.com") return undefined;
    if (!DOMAIN.test(domain)) throw badParams("enterpriseDomain must be a domain name");
    if (this.#egress.allows(domain)) return domain.toLowerCase();
    throw failure("egress", `${domain} is not among the hosts that are allowed`);
  }

  #find(loginId) {
    const login = this.#open.get(loginId);
    if (!login) throw badParams("loginId is unknown");
    return login;
  }

  #keep(login) {
    const loginId = randomUUID();
    this.#open.set(loginId, login);
    if (this.#open.size > KEPT) this.cancel({ loginId: this.#open.keys().next().value });
    return loginId;
  }
}
