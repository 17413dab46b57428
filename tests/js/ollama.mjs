// Do what argv[3] says with Ollama's client against the gateway at argv[2], and print
// what it understood as JSON.

import { Ollama } from "ollama";

const headers = { Authorization: `Bearer ${process.env.GATEWAY_KEY ?? "none"}` };
const client = new Ollama({ host: process.argv[2], headers });
const user = { role: "user", content: "hi" };
const ask = { model: "tiny", messages: [user] };
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  },
];

async function thrown(attempt) {
  try {
    await attempt();
  } catch (error) {
    return { name: error.name, status: error.status_code, message: error.message };
  }
}

async function streamed() {
  const parts = [];
  for await (const part of await client.chat({ ...ask, stream: true })) parts.push(part);
  return parts;
}

const actions = {
  chat: () => client.chat(ask),
  stream: streamed,
  generate: () => client.generate({ model: "tiny", prompt: "Say" }),

  async tools() {
    const asked = await client.chat({ ...ask, tools });
    const [call] = asked.message.tool_calls;
    const result = { role: "tool", tool_name: call.function.name, content: "sunny" };
    const messages = [user, asked.message, result];
    const answered = await client.chat({ ...ask, messages, tools });
    return { call, answer: answered.message.content };
  },

  async embeddings() {
    return (await client.embed({ model: "tiny", input: ["a", "b"] })).embeddings;
  },

  async models() {
    const { models } = await client.list();
    const running = await client.ps();
    const shown = await client.show({ model: models[0].name });
    return {
      ids: models.map((model) => model.name),
      running: running.models.map((model) => model.name),
      capabilities: shown.capabilities,
    };
  },

  failure: () => thrown(actions.chat),
  broken: () => thrown(streamed),
  unknown: () => thrown(() => client.show({ model: "no/such:model" })),

  async cancel() {
    const stream = await client.chat({ ...ask, stream: true });
    const stopped = await thrown(async () => {
      for await (const _ of stream) stream.abort();
    });
    return { aborted: stopped?.name === "AbortError" };
  },
};

console.log(JSON.stringify(await actions[process.argv[3]]()));
