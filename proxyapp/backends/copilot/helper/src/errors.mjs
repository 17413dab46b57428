import { redact } from "./redact.mjs";

export const CODES = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  upstream: -32000,
  auth: -32001,
  busy: -32002,
  cancelled: -32003,
  version: -32010,
};

/** What a request is answered with when it fails; never holds a secret. */
export class RpcError extends Error {
  constructor(code, message, data) {
    super(redact(message));
    this.code = code;
    this.data = data;
  }

  toJSON() {
    const { code, message, data } = this;
    return data ? { code, message, data: redacted(data) } : { code, message };
  }
}

function redacted(data) {
  return data.body === undefined ? data : { ...data, body: redact(data.body) };
}

const KIND_CODES = { auth: CODES.auth, aborted: CODES.cancelled };

/** Make the error of a call that failed, by its kind. */
export function failure(kind, message, details = {}) {
  const code = KIND_CODES[kind] ?? CODES.upstream;
  return new RpcError(code, message, { kind, partial: false, ...details });
}

export function badParams(message) {
  return new RpcError(CODES.params, message);
}

/** Give what went wrong as an RpcError, whatever was thrown. */
export function asRpcError(error) {
  return error instanceof RpcError ? error : failure("internal", error?.message ?? "unknown");
}
