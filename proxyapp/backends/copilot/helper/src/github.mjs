import { failure } from "./errors.mjs";
import { Exchange } from "./exchange.mjs";

const TIMEOUT = 20_000;
/** The version of Copilot's API that lists models with their limits; pi-ai names it too. */
const API_VERSION = "2026-06-01";
const PROXY = /proxy-ep=([^;]+)/;

/** The few questions to GitHub that pi-ai has no public function for. */
export class GitHub {
  #headers;
  #egress;

  constructor(headers, egress) {
    this.#headers = headers;
    this.#egress = egress;
  }

  /** Trade a GitHub token for one that Copilot takes; `expires` is 5 minutes early. */
  async exchange(token, domain = "github.com") {
    const url = `https://api.${domain}/copilot_internal/v2/token`;
    const answer = await this.#get(url, token);
    if (typeof answer?.token !== "string" || typeof answer.expires_at !== "number") {
      throw failure("upstream", "GitHub's answer holds no Copilot token");
    }
    const { token: access, expires_at: seconds, endpoints } = answer;
    const endpoint = typeof endpoints?.api === "string" ? endpoints.api : undefined;
    return { access, expires: seconds * 1000 - 300_000, ...(endpoint && { endpoint }) };
  }

  /** Tell whose token it is, as far as GitHub says. */
  async account(token, domain = "github.com") {
    const answer = await this.#get(`https://api.${domain}/copilot_internal/user`, token);
    return { login: answer?.login, plan: answer?.copilot_plan };
  }

  models(token, base) {
    return this.#get(`${base}/models`, token, { "X-GitHub-Api-Version": API_VERSION });
  }

  /**
   * Give the address that a Copilot token is for. The token may come from a client, so its
   * word counts only for hosts that are allowed anyway.
   */
  baseUrl(token, { endpoint, enterpriseUrl } = {}) {
    const proxy = PROXY.exec(token)?.[1];
    const own = enterpriseUrl ? `https://copilot-api.${enterpriseUrl}` : undefined;
    const named = proxy ? `https://${proxy.replace(/^proxy\./, "api.")}` : (endpoint ?? own);
    const url = hostOnly(named ?? "https://api.individual.githubcopilot.com");
    if (!url || !this.#egress.allows(url.hostname)) {
      throw failure("egress", "the token names a server that is not GitHub Copilot's");
    }
    return url.origin;
  }

  async #get(url, token, more) {
    const exchange = new Exchange();
    const own = { Accept: "application/json", Authorization: `Bearer ${token}`, ...more };
    const signal = AbortSignal.timeout(TIMEOUT);
    try {
      const response = await this.#egress.watched(exchange, (mark) =>
        fetch(url, { headers: { ...this.#headers, ...own, ...mark }, signal }),
      );
      if (response.ok) return await response.json();
    } catch (error) {
      throw exchange.refusal ?? failure("network", `${new URL(url).host}: ${causeOf(error)}`);
    }
    throw refused(exchange, new URL(url).host);
  }
}

/** GitHub answers 404 where it does not want to say that a token may not. */
const KINDS = { 401: "auth", 403: "forbidden", 404: "auth", 429: "rate_limit" };

function refused(exchange, host) {
  const { status: httpStatus, requestId, retryAfter, body } = exchange;
  const kind = KINDS[httpStatus] ?? "upstream";
  const details = { httpStatus, requestId, retryAfter, body };
  return failure(kind, `${host} answered with status ${httpStatus}`, details);
}

function hostOnly(text) {
  try {
    const url = new URL(text);
    return url.href === `https://${url.hostname}/` ? url : undefined;
  } catch {
    return undefined;
  }
}

function causeOf(error) {
  return error.cause?.code ?? error.cause?.message ?? error.message;
}
