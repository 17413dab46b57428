import { setTimeout as pause } from "node:timers/promises";

import { Credentials } from "./credentials.mjs";
import { Egress } from "./egress.mjs";
import { GitHub } from "./github.mjs";
import { log } from "./log.mjs";
import { Logins } from "./login.mjs";
import { methodsOf } from "./methods.mjs";
import { Models } from "./models.mjs";
import { Pace } from "./pace.mjs";
import { readOptions } from "./options.mjs";
import { Server } from "./server.mjs";
import { Store } from "./store.mjs";

const SOFTWARE_ERROR = 70;
const BAD_USAGE = 64;
const GRACE = 1000;

const ADAPTERS = new Map([
  ["earendil", () => import("./adapters/earendil.mjs")],
  ["mariozechner", () => import("./adapters/mariozechner.mjs")],
]);

function die(error) {
  log(`fatal: ${error?.stack ?? error}`);
  process.exit(SOFTWARE_ERROR);
}

process.on("uncaughtException", die);
process.on("unhandledRejection", die);
// The libraries print what they could not read, which is the talk of users and models.
for (const name of ["debug", "error", "info", "log", "warn"]) console[name] = () => {};
// Whoever reads the log may be gone; that is no reason to end.
process.stderr.on("error", () => {});

function configured() {
  try {
    const options = readOptions(process.env);
    if (ADAPTERS.has(options.implementation)) return options;
    throw new Error(`PI_AI_IMPL must be one of: ${[...ADAPTERS.keys()].join(", ")}`);
  } catch (error) {
    log(error.message);
    return process.exit(BAD_USAGE);
  }
}

async function serve(options) {
  const egress = new Egress(options);
  egress.install();
  const { default: adapter } = await ADAPTERS.get(options.implementation)();
  const { limits } = options;
  const store = new Store(options.store);
  const github = new GitHub(adapter.catalogue()[0].headers, egress);
  const credentials = new Credentials(store, github);
  const models = new Models({ adapter, github, credentials });
  const logins = new Logins({ adapter, egress, github, store });
  const pace = new Pace();
  const services = { adapter, credentials, egress, limits, logins, models, pace, store };

  const server = new Server(options);
  let ending = false;
  const shutdown = async (graceMs) => {
    if (ending) return;
    ending = true;
    logins.cancelAll();
    const deadline = performance.now() + graceMs;
    while (calls.size && performance.now() < deadline) await pause(20);
    server.cancelAll();
    await pause(calls.size ? 50 : 0);
    server.close();
    setTimeout(() => process.exit(0), 100);
  };
  const { methods, calls } = methodsOf(services, shutdown);
  process.on("SIGTERM", () => {
    server.cancelAll();
    shutdown(GRACE);
  });
  process.on("SIGINT", () => shutdown(0));
  await server.listen(options.socket, methods, () => shutdown(0));
  log(`ready: ${adapter.package} ${adapter.version}, Node ${process.versions.node}`);
}

await serve(configured());
