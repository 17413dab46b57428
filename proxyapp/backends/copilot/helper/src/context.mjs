import { badParams } from "./errors.mjs";

const NOTHING = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
const USAGE = { ...NOTHING, totalTokens: 0, cost: NOTHING };

/**
 * Give a conversation as pi-ai needs it: each turn of the assistant says that it came from
 * this very model. Otherwise pi-ai writes its thoughts out as plain text and forgets their
 * signatures; a turn that failed would be left out.
 */
export function stampedContext(context, model) {
  if (!context || !Array.isArray(context.messages)) {
    throw badParams("context.messages must be a list");
  }
  const stamp = { api: model.api, provider: model.provider, model: model.id, usage: USAGE };
  const timestamp = Date.now();
  const messages = context.messages.map((message, index) => {
    const write = WRITERS.get(message?.role);
    if (!write) throw badParams(`context.messages[${index}] has an unknown role`);
    return { ...write(message, stamp), timestamp };
  });
  const { systemPrompt, tools } = context;
  return { messages, ...(systemPrompt && { systemPrompt }), ...(tools?.length && { tools }) };
}

const WRITERS = new Map([
  ["user", ({ content }) => ({ role: "user", content: content ?? "" })],
  ["assistant", assistant],
  ["toolResult", toolResult],
]);

function assistant({ content }, stamp) {
  const blocks = listed(content).map((block) =>
    block.type === "toolCall" ? { ...block, id: callId(block.id) } : block,
  );
  const called = blocks.some((block) => block.type === "toolCall");
  return { role: "assistant", ...stamp, content: blocks, stopReason: called ? "toolUse" : "stop" };
}

function toolResult({ toolCallId, toolName, content, isError }) {
  const result = { role: "toolResult", toolCallId: callId(toolCallId), toolName: toolName ?? "" };
  return { ...result, content: listed(content), isError: isError === true };
}

/** Of "call|item", as pi-ai names calls of the Responses API, every API takes the call. */
function callId(name) {
  return String(name ?? "").split("|", 1)[0];
}

function listed(content) {
  if (Array.isArray(content)) return content;
  return content ? [{ type: "text", text: String(content) }] : [];
}
