import { getModels, getSupportedThinkingLevels } from "@mariozechner/pi-ai";

const STREAMS = {
  "anthropic-messages": async () =>
    (await import("@mariozechner/pi-ai/anthropic")).streamSimpleAnthropic,
  "openai-completions": async () =>
    (await import("@mariozechner/pi-ai/openai-completions")).streamSimpleOpenAICompletions,
  "openai-responses": async () =>
    (await import("@mariozechner/pi-ai/openai-responses")).streamSimpleOpenAIResponses,
};

const TERMINALS = ["completed", "incomplete", "failed"].map((name) => `"response.${name}"`);
const TERMINAL = /^data: ?(\{.*"type": ?"response\.(?:completed|incomplete|failed)".*)$/m;
const LINE_FEED = 0x0a;

export default {
  name: "mariozechner",
  package: "@mariozechner/pi-ai",
  version: PI_AI_VERSIONS["@mariozechner/pi-ai"],

  catalogue: () => getModels("github-copilot"),
  levels: getSupportedThinkingLevels,

  async *stream(model, context, options) {
    const stream = await STREAMS[model.api]();
    yield* stream(model, context, { ...options, reasoning: known(options.reasoning) });
  },

  mender: (api) => (api === "openai-responses" ? new Completing() : undefined),

  async login({ domain, signal, onDevice }) {
    const { loginGitHubCopilot } = await import("@mariozechner/pi-ai/oauth");
    const onAuth = (verificationUri, instructions) => {
      onDevice({ verificationUri, userCode: /:\s*(\S+)/.exec(instructions)?.[1] ?? "" });
    };
    const onPrompt = async () => domain ?? "";
    return { type: "oauth", ...(await loginGitHubCopilot({ signal, onAuth, onPrompt })) };
  },
};

const known = (level) => (level === "max" ? "xhigh" : level);

/**
 * This version passes over response.incomplete and so takes a reply that was cut for a
 * complete one; response.completed it reads, together with the status inside. So the event
 * is renamed where it stands, in whole lines, and `stop` says what it was.
 */
class Completing {
  stop;
  #rest = Buffer.alloc(0);

  mend(chunk) {
    const bytes = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : Buffer.from(chunk);
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    this.#rest = bytes.subarray(end);
    const lines = bytes.subarray(0, end);
    return TERMINALS.some((name) => lines.includes(name)) ? this.#renamed(lines) : lines;
  }

  /** Whether bytes wait for the end of their line. */
  get held() {
    return this.#rest.length > 0;
  }

  rest() {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length ? rest : undefined;
  }

  #renamed(lines) {
    const event = eventIn(TERMINAL.exec(lines.toString("utf8"))?.[1]);
    if (!event) return lines;
    const { status, incomplete_details: details } = event.response ?? {};
    this.stop = details?.reason ? `${status}.${details.reason}` : (status ?? event.type);
    if (event.type !== "response.incomplete") return lines;
    const renamed = JSON.stringify({ ...event, type: "response.completed" });
    return Buffer.from(lines.toString("utf8").replace(TERMINAL, () => `data: ${renamed}`));
  }
}

function eventIn(text) {
  try {
    return text && JSON.parse(text);
  } catch {
    return undefined;
  }
}
