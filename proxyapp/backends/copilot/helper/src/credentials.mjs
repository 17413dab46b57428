import { createHash } from "node:crypto";

import { badParams, failure } from "./errors.mjs";
import { log } from "./log.mjs";

const GITHUB_TOKEN = /^(gh[opu]_|github_pat_)[A-Za-z0-9_]+$/;
const COPILOT_TOKEN = /^tid=[\x21-\x7e]+$/;
/** `expires` is this much ahead of the time a token really ends. */
const EARLY = 300_000;
const PAUSE = 30_000;
const KEPT = 256;

/** A GitHub token and the Copilot token it was last traded for. */
class Login {
  #github;
  #save;
  #pending;
  #failedAt = -Infinity;

  constructor(github, credential, save = async () => {}) {
    this.#github = github;
    this.#save = save;
    this.credential = credential;
  }

  /** Give a token that is still good; the clock on the wall counts, as machines sleep. */
  async usable() {
    const { access, expires = 0 } = this.credential;
    const now = Date.now();
    if (access && now < expires) return this.credential;
    const alive = access && now < expires + EARLY;
    if (alive && now - this.#failedAt < PAUSE) return this.credential;
    try {
      return await this.renew();
    } catch (error) {
      if (!alive) throw error;
      this.#failedAt = now;
      log(`refresh failed, the old token still lives: ${error.message}`);
      return this.credential;
    }
  }

  /** Trade again, once for all that ask meanwhile. */
  renew() {
    this.#pending ??= this.#trade().finally(() => (this.#pending = undefined));
    return this.#pending;
  }

  async #trade() {
    const { refresh, enterpriseUrl } = this.credential;
    const fresh = await this.#github.exchange(refresh, enterpriseUrl);
    this.credential = { ...this.credential, ...fresh };
    await this.#save(this.credential);
    return this.credential;
  }
}

/** Finds the token to call Copilot with, and renews it. */
export class Credentials {
  #store;
  #github;
  #managed;
  #traded = new Map();

  constructor(store, github) {
    this.#store = store;
    this.#github = github;
  }

  /** Give {key, token, baseUrl, renew}; `renew` is missing where a token is all there is. */
  async account(auth, { renewed = false } = {}) {
    const { key, login, token } = this.#find(auth);
    if (!login) return { key, token, baseUrl: this.#github.baseUrl(token) };
    const credential = await (renewed ? login.renew() : login.usable());
    const baseUrl = this.#github.baseUrl(credential.access, credential);
    return { key, token: credential.access, baseUrl, renewable: true };
  }

  /** Give the login of the gateway itself; throw if there is none. */
  managed() {
    const credential = this.#store.read();
    if (!credential) throw failure("auth", "nobody is logged in to GitHub Copilot");
    if (this.#managed?.credential.refresh !== credential.refresh) {
      this.#managed = new Login(this.#github, credential, (fresh) => this.#saved(fresh));
    } else if (credential.expires > this.#managed.credential.expires) {
      this.#managed.credential = credential;
    }
    return this.#managed;
  }

  /** A token that cannot be written down still works. */
  async #saved(credential) {
    try {
      // Meanwhile the user may have logged out, or in with another account.
      if (this.#store.read()?.refresh === credential.refresh) await this.#store.write(credential);
    } catch (error) {
      log(`the login could not be written: ${error.message}`);
    }
  }

  #find(auth) {
    if (auth?.mode === "managed") {
      const login = this.managed();
      return { key: hashed(login.credential.refresh), login };
    }
    if (auth?.mode !== "token") throw badParams('auth.mode must be "managed" or "token"');
    const token = typeof auth.token === "string" ? auth.token.trim() : "";
    const key = hashed(token);
    if (COPILOT_TOKEN.test(token)) return { key, token };
    if (!GITHUB_TOKEN.test(token)) throw failure("auth", "this is no token of GitHub");
    return { key, login: this.#kept(key, token) };
  }

  #kept(key, token) {
    const login = this.#traded.get(key) ?? new Login(this.#github, { refresh: token });
    this.#traded.delete(key);
    this.#traded.set(key, login);
    if (this.#traded.size > KEPT) this.#traded.delete(this.#traded.keys().next().value);
    return login;
  }
}

function hashed(token) {
  return createHash("sha256").update(token).digest("hex");
}
