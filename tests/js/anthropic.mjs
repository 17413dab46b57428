// Ask everything Anthropic's client can ask of the gateway at argv[2], and print what
// it understood as one JSON object.

import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const ask = {
  model: "tiny",
  max_tokens: 512,
  thinking: { type: "enabled", budget_tokens: 1024 },
  tools: [{ name: "ls", input_schema: { type: "object", properties: {} } }],
  messages: [{ role: "user", content: "hi" }],
};

async function refusal() {
  try {
    await client.messages.create({ ...ask, max_tokens: 0 });
  } catch (error) {
    return { name: error.constructor.name, status: error.status, request: error.requestID };
  }
}

async function models() {
  const ids = [];
  for await (const model of client.models.list({ limit: 1 })) ids.push(model.id);
  return ids;
}

const understood = {
  streamed: await client.messages.stream(ask).finalMessage(),
  whole: await client.messages.create(ask),
  counted: await client.messages.countTokens({ model: ask.model, messages: ask.messages }),
  models: await models(),
  refusal: await refusal(),
};
console.log(JSON.stringify(understood));
