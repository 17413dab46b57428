import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { failure } from "./errors.mjs";

const PROVIDER = "github-copilot";
const OTHERS = 0o077;

/**
 * The file with the login, laid out as pi's auth.json is. This process is its only writer;
 * what stands there for other providers stays.
 */
export class Store {
  #path;
  #version = "";
  #entries = {};

  constructor(path) {
    this.#path = path;
  }

  /** Give the login, or undefined; throw if others than its owner could have seen it. */
  read() {
    let file;
    try {
      file = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw failure("auth", `${this.#path}: ${REASONS[error.code] ?? error.code}`);
    }
    try {
      return this.#parsed(file);
    } finally {
      closeSync(file);
    }
  }

  #parsed(file) {
    const { mode, mtimeMs, size, ino } = fstatSync(file);
    if (mode & OTHERS) {
      throw failure("auth", `${this.#path} can be read by others; run: chmod 600 on it`);
    }
    const version = `${ino} ${mtimeMs} ${size}`;
    if (version !== this.#version) {
      this.#entries = entriesOf(readFileSync(file, "utf8"), this.#path);
      this.#version = version;
    }
    const { [PROVIDER]: credential } = this.#entries;
    return credential?.refresh ? credential : undefined;
  }

  async write(credential) {
    this.read();
    await this.#replace({ ...this.#entries, [PROVIDER]: credential });
  }

  async remove() {
    this.read();
    const { [PROVIDER]: _, ...others } = this.#entries;
    if (Object.keys(others).length) return this.#replace(others);
    await unlink(this.#path).catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    await written(dirname(this.#path), "r");
    this.#version = "";
  }

  /** Either the old file is there or the new one, whenever the power fails. */
  async #replace(entries) {
    const folder = dirname(this.#path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const fresh = `${this.#path}.${randomBytes(6).toString("hex")}`;
    try {
      await written(fresh, "wx", `${JSON.stringify(entries, null, 2)}\n`);
      await rename(fresh, this.#path);
    } catch (error) {
      await unlink(fresh).catch(() => {});
      throw error;
    }
    await written(folder, "r");
    this.#version = "";
  }
}

const REASONS = {
  ELOOP: "the file with the login must not be a symbolic link",
  EACCES: "the file with the login cannot be read",
};

function entriesOf(text, path) {
  try {
    const entries = JSON.parse(text);
    if (entries && typeof entries === "object") return entries;
  } catch {
    // Told without the text, which holds secrets.
  }
  throw failure("auth", `${path} is not a JSON object; log in anew`);
}

async function written(path, flags, text) {
  const file = await open(path, flags, 0o600);
  try {
    if (text !== undefined) await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
