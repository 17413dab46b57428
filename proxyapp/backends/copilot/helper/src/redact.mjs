const SECRETS = [
  [/\b(gh[opusr]_|github_pat_)[A-Za-z0-9_]+/g, "$1***"],
  [/\btid=[^\s"'\\]+/g, "tid=***"],
  [/\b(Bearer|token)\s+[A-Za-z0-9._~+/=;:-]{8,}/gi, "$1 ***"],
  [/("(?:access_token|refresh_token|device_code|token)"\s*:\s*")[^"]+/g, "$1***"],
];

/** Blot out whatever looks like a credential. */
export function redact(text) {
  return SECRETS.reduce((left, [pattern, mask]) => left.replace(pattern, mask), String(text));
}
