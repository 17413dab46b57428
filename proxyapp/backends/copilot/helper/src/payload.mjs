import { badParams } from "./errors.mjs";

/** What differs between the three APIs in the body that goes to Copilot. */
const APIS = {
  "openai-completions": {
    patchable: [
      ...["top_p", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias"],
      ...["parallel_tool_calls", "response_format", "tool_choice", "user"],
      ...["max_tokens", "max_completion_tokens"],
    ],
    nameOf: (tool) => tool.function?.name,
    withSchema: (tool, parameters) => ({ ...tool, function: { ...tool.function, parameters } }),
    chosen: (name) => ({ type: "function", function: { name } }),
    required: "required",
    plain: (mode) => mode,
  },
  "openai-responses": {
    patchable: ["top_p", "tool_choice", "parallel_tool_calls", "text", "reasoning"],
    nameOf: (tool) => tool.name,
    withSchema: (tool, parameters) => ({ ...tool, parameters }),
    chosen: (name) => ({ type: "function", name }),
    required: "required",
    plain: (mode) => mode,
  },
  "anthropic-messages": {
    patchable: ["top_p", "top_k", "stop_sequences", "tool_choice", "thinking", "metadata"],
    nameOf: (tool) => tool.name,
    withSchema: (tool, input_schema) => ({ ...tool, input_schema }),
    chosen: (name) => ({ type: "tool", name }),
    required: "any",
    plain: (type) => ({ type }),
  },
};

export const isKnownApi = (api) => Object.hasOwn(APIS, api);

/** Refuse fields that must not be set; what is let through reaches Copilot as it is. */
export function checkPatch(api, patch = {}) {
  if (typeof patch !== "object" || patch === null) throw badParams("payloadPatch: no object");
  const unknown = Object.keys(patch).find((key) => !APIS[api].patchable.includes(key));
  if (unknown !== undefined) throw badParams(`payloadPatch.${unknown} is not allowed for ${api}`);
  return patch;
}

/**
 * Finish the body that pi-ai made: whole schemas, because pi-ai keeps only `properties`
 * and `required` of them for Anthropic's API, then the choice of tools, then the patch.
 */
export function finishPayload(payload, api, { tools, toolChoice, patch }) {
  const { nameOf, withSchema } = APIS[api];
  const schemas = new Map(tools.map(({ name, parameters }) => [name, parameters]));
  const finished = { ...payload, ...patch };
  if (payload.tools?.length && schemas.size) {
    finished.tools = payload.tools.map((tool) => {
      const schema = schemas.get(nameOf(tool));
      return schema ? withSchema(tool, schema) : tool;
    });
  }
  if (toolChoice !== undefined && patch.tool_choice === undefined) {
    finished.tool_choice = spelled(toolChoice, APIS[api]);
  }
  return finished;
}

function spelled(choice, { chosen, required, plain }) {
  const name = choice?.name ?? choice?.function?.name;
  if (name) return chosen(String(name));
  const mode = choice?.type ?? choice;
  return plain(mode === "required" || mode === "any" ? required : mode);
}
