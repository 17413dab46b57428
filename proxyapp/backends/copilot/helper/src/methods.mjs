import { monitorEventLoopDelay } from "node:perf_hooks";

import { Call, busy } from "./call.mjs";
import { CODES, RpcError } from "./errors.mjs";

export const PROTOCOL = 1;
const CAPABILITIES = ["chat", "models", "login", "rawTools", "payloadPatch", "quota"];
/** How often the event loop is looked at, in ms; what is measured holds that wait too. */
const RESOLUTION = 20;
const NS_PER_MS = 1e6;

/** The table of methods: each is given its params, the connection and the request's id. */
export function methodsOf(services, shutdown) {
  const { adapter, credentials, limits, logins, models, store } = services;
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION });
  delays.enable();
  const calls = new Set();

  async function stream(params, connection, id) {
    if (connection.calls.size) throw new RpcError(CODES.request, "one call a connection");
    if (calls.size >= limits.streams) throw busy(limits.streams);
    const call = new Call(services, params, connection);
    calls.add(call);
    connection.calls.set(id, call);
    try {
      return await call.run();
    } finally {
      calls.delete(call);
      connection.calls.delete(id);
    }
  }

  const methods = new Map([
    ["initialize", ({ protocol }) => initialized(adapter, protocol)],
    ["ping", () => ({})],
    ["stats", () => stats(calls.size, delays)],
    ["shutdown", ({ graceMs = 1000 }) => (setImmediate(shutdown, graceMs), {})],
    ["models.list", async (params) => ({ models: await models.list(params) })],
    ["chat.stream", stream],
    ["chat.cancel", ({ id }, connection) => (connection.calls.get(id)?.cancel(), {})],
    ["auth.login.start", (params) => logins.start(params)],
    ["auth.login.poll", (params) => logins.poll(params)],
    ["auth.login.cancel", (params) => logins.cancel(params)],
    ["auth.status", () => status(store)],
    ["auth.refresh", async () => ({ expires: (await credentials.managed().renew()).expires })],
    ["auth.logout", () => logout(store, models)],
  ]);
  return { methods, calls };
}

function initialized(adapter, protocol) {
  if (protocol !== PROTOCOL) {
    throw new RpcError(CODES.version, `this process speaks protocol ${PROTOCOL}`);
  }
  return {
    protocol: PROTOCOL,
    pid: process.pid,
    implementation: adapter.name,
    package: adapter.package,
    packageVersion: adapter.version,
    node: process.versions.node,
    capabilities: CAPABILITIES,
  };
}

function stats(calls, delays) {
  const late = (measured) => Math.max(0, Math.round(measured / NS_PER_MS) - RESOLUTION);
  const [p50, p99] = [50, 99].map((percentile) => late(delays.percentile(percentile)));
  const loopDelayMs = { p50, p99, max: late(delays.max) };
  delays.reset();
  return { rss: process.memoryUsage.rss(), calls, loopDelayMs, uptime: process.uptime() };
}

function status(store) {
  const credential = store.read();
  if (!credential) return { loggedIn: false };
  const { expires, login, plan, enterpriseUrl, availableModelIds } = credential;
  const domain = enterpriseUrl ?? "github.com";
  return { loggedIn: true, domain, expires, login, plan, models: availableModelIds?.length };
}

async function logout(store, models) {
  if (store.read()) await store.remove();
  models.forget();
  return {};
}
