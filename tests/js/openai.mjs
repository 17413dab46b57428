// Do what argv[3] says with OpenAI's client against the gateway at argv[2], and print
// what it understood as JSON.

import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.argv[2]}/v1`,
  apiKey: process.env.GATEWAY_KEY ?? "none",
  maxRetries: Number(process.env.RETRIES ?? 0),
});
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
    const { name, status, code, message, requestID } = error;
    return { class: error.constructor.name, name, status, code, message, requestID };
  }
}

async function streamed(fields = {}) {
  const stream = await client.chat.completions.create({ ...ask, ...fields, stream: true });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const actions = {
  chat: () => client.chat.completions.create(ask),
  stream: () => streamed({ stream_options: { include_usage: true } }),
  // The client's own accumulator checks the order of chunks.
  accumulated: () => client.chat.completions.stream({ ...ask, tools }).finalChatCompletion(),

  async tools() {
    const asked = await client.chat.completions.create({ ...ask, tools });
    const { message } = asked.choices[0];
    const [call] = message.tool_calls;
    const result = { role: "tool", tool_call_id: call.id, content: "sunny" };
    const messages = [user, message, result];
    const answered = await client.chat.completions.create({ ...ask, messages, tools });
    return { call, answer: answered.choices[0].message.content };
  },

  async embeddings() {
    const reply = await client.embeddings.create({ model: "tiny", input: ["a", "b"] });
    return reply.data.map((item) => Array.from(item.embedding));
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    const { id } = await client.models.retrieve(ids[0]);
    return { ids, retrieved: id };
  },

  completion: () => client.completions.create({ model: "tiny", prompt: "Say" }),
  failure: () => thrown(actions.chat),
  broken: () => thrown(streamed),
  unknown: () => thrown(() => client.models.retrieve("no/such:model")),

  async cancel() {
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    for await (const _ of stream) break;
    return { aborted: stream.controller.signal.aborted };
  },
};

console.log(JSON.stringify(await actions[process.argv[3]]()));
