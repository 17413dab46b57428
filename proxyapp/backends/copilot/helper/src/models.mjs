import { failure } from "./errors.mjs";
import { isKnownApi } from "./payload.mjs";

const FRESH = 600_000;
const KEPT = 64;

const BY_ENDPOINT = new Map([
  ["/v1/messages", "anthropic-messages"],
  ["/responses", "openai-responses"],
  ["/chat/completions", "openai-completions"],
]);
const BY_NAME = [
  [/^claude/, "anthropic-messages"],
  [/^(gpt-([5-9]|\d\d)|grok-([4-9]|\d\d)|mai-)/, "openai-responses"],
];

/** The models of an account: Copilot's own list, and pi-ai's catalogue where it is silent. */
export class Models {
  #adapter;
  #github;
  #credentials;
  #catalogue;
  #lists = new Map();

  constructor({ adapter, github, credentials }) {
    this.#adapter = adapter;
    this.#github = github;
    this.#credentials = credentials;
    this.#catalogue = new Map(adapter.catalogue().map((model) => [model.id, model]));
  }

  async list({ auth, refresh }) {
    const account = await this.#credentials.account(auth);
    const known = this.#lists.get(account.key);
    if (known && !refresh && Date.now() < known.until) return known.models;
    const models = this.#fetched(account, auth);
    this.#lists.delete(account.key);
    this.#lists.set(account.key, { models, until: Date.now() + FRESH });
    if (this.#lists.size > KEPT) this.#lists.delete(this.#lists.keys().next().value);
    models.catch(() => this.#lists.delete(account.key));
    return models;
  }

  forget() {
    this.#lists.clear();
  }

  /** Make the model that pi-ai is given; its nearest kin lends what the entry leaves open. */
  build(entry, baseUrl) {
    const { id } = entry;
    const known = this.#catalogue.get(id);
    const api = isKnownApi(entry.api) ? entry.api : (known?.api ?? namedApi(id));
    const kin = known?.api === api ? known : this.#nearest(id, api);
    const given = ["name", "reasoning", "input", "contextWindow", "maxTokens"];
    const told = given.filter((name) => entry[name] !== undefined && entry[name] !== null);
    const own = Object.fromEntries(told.map((name) => [name, entry[name]]));
    return { ...kin, name: id, ...own, id, api, baseUrl };
  }

  #nearest(id, api) {
    const kin = [...this.#catalogue.values()].filter((model) => model.api === api);
    return kin.reduce((best, one) => (shared(one.id, id) > shared(best.id, id) ? one : best));
  }

  async #fetched(account, auth) {
    const answer = await this.#asked(account, auth);
    if (!Array.isArray(answer?.data)) throw failure("upstream", "Copilot's list has no models");
    return answer.data.filter(isChat).map((listed) => this.#entry(listed));
  }

  async #asked(account, auth) {
    try {
      return await this.#github.models(account.token, account.baseUrl);
    } catch (error) {
      if (error.data?.kind !== "auth" || !account.renewable) throw error;
      const renewed = await this.#credentials.account(auth, { renewed: true });
      return this.#github.models(renewed.token, renewed.baseUrl);
    }
  }

  #entry(listed) {
    const { id, name, policy, billing, preview, vendor } = listed;
    const { limits = {}, supports = {} } = listed.capabilities ?? {};
    const known = this.#catalogue.get(id);
    const efforts = supports.reasoning_effort;
    const reasoning = Array.isArray(efforts) ? efforts.length > 0 : (known?.reasoning ?? false);
    const levels = Array.isArray(efforts) ? efforts : known ? this.#adapter.levels(known) : [];
    return {
      id,
      name: name ?? known?.name ?? id,
      api: apiOf(listed, known),
      contextWindow: limits.max_context_window_tokens ?? known?.contextWindow ?? 0,
      maxTokens: limits.max_output_tokens ?? known?.maxTokens ?? 0,
      input: supports.vision ?? known?.input.includes("image") ? ["text", "image"] : ["text"],
      reasoning,
      thinkingLevels: reasoning ? levels : [],
      enabled: (policy?.state ?? "enabled") === "enabled",
      ...(billing?.multiplier !== undefined && { multiplier: billing.multiplier }),
      ...(preview !== undefined && { preview }),
      ...(vendor !== undefined && { vendor }),
      ...(supports.tool_calls !== undefined && { toolCalls: supports.tool_calls }),
    };
  }
}

function isChat({ id, capabilities }) {
  return typeof id === "string" && (capabilities?.type ?? "chat") === "chat";
}

/** The catalogue's word counts only while Copilot serves the model there. */
function apiOf({ id, supported_endpoints: endpoints }, known) {
  const served = Array.isArray(endpoints) ? endpoints.map((e) => BY_ENDPOINT.get(e)) : [];
  const possible = served.filter(Boolean);
  const wanted = known?.api ?? namedApi(id);
  if (possible.length === 0 || possible.includes(wanted)) return wanted;
  return possible[0];
}

function namedApi(id) {
  return BY_NAME.find(([pattern]) => pattern.test(id))?.[1] ?? "openai-completions";
}

function shared(one, other) {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}
