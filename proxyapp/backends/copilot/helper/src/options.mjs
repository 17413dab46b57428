/** What the gateway configured, from the one variable it passes. */

const LIMITS = {
  streams: 64,
  line: 64 * 1024 * 1024,
  queueBytes: 8 * 1024 * 1024,
  queueEvents: 20_000,
  stallMs: 30_000,
  heartbeatMs: 15_000,
};

export function readOptions(environment) {
  const given = parse(environment.COPILOT_HELPER_OPTIONS);
  for (const name of ["socket", "store"]) {
    if (typeof given[name] !== "string" || !given[name].startsWith("/")) {
      throw new Error(`COPILOT_HELPER_OPTIONS: ${name} must be an absolute path`);
    }
  }
  return {
    socket: given.socket,
    store: given.store,
    egress: given.egress ? new URL(given.egress) : null,
    hosts: Array.isArray(given.hosts) ? given.hosts.map(String) : [],
    limits: { ...LIMITS, ...given.limits },
    lingerMs: 1000 * (given.linger ?? 60),
    implementation: environment.PI_AI_IMPL || "earendil",
  };
}

function parse(text) {
  try {
    const given = JSON.parse(text ?? "");
    if (given && typeof given === "object") return given;
  } catch {
    // Told below, without the text: it may hold anything.
  }
  throw new Error("COPILOT_HELPER_OPTIONS must hold a JSON object");
}
