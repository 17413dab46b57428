import { getSupportedThinkingLevels, normalizeContext } from "@earendil-works/pi-ai";
import { githubCopilotProvider } from "@earendil-works/pi-ai/providers/github-copilot";

const provider = githubCopilotProvider();

/** The provider's own stream would pass each event through a second queue. */
const APIS = {
  "anthropic-messages": () => import("@earendil-works/pi-ai/api/anthropic-messages"),
  "openai-completions": () => import("@earendil-works/pi-ai/api/openai-completions"),
  "openai-responses": () => import("@earendil-works/pi-ai/api/openai-responses"),
};

export default {
  name: "earendil",
  package: "@earendil-works/pi-ai",
  version: PI_AI_VERSIONS["@earendil-works/pi-ai"],

  catalogue: () => provider.getModels(),
  levels: getSupportedThinkingLevels,
  // A provider reads the system prompt and the tools from a message at the transcript's head.
  async *stream(model, context, options) {
    const { streamSimple } = await APIS[model.api]();
    yield* streamSimple(model, normalizeContext(context), options);
  },
  mender: () => undefined,

  async login({ domain, signal, onDevice }) {
    // Without this pi-ai looks for its login among files that a bundle does not have.
    const { registerBunOAuthFlows } = await import("@earendil-works/pi-ai/bun-oauth");
    registerBunOAuthFlows();
    return provider.auth.oauth.login({
      signal,
      notify: (event) => event.type === "device_code" && onDevice(event),
      prompt: async () => domain ?? "",
    });
  },
};
