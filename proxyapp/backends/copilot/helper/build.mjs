/** Bundles the helper and what it needs of pi-ai into dist/, which runs without node_modules. */
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { dependencies } = JSON.parse(readFileSync(here("package.json"), "utf8"));

/** What pi-ai needs for other providers and for other uses; nothing here reaches it. */
const FOREIGN =
  /^(@aws-sdk|@smithy|@google|@mistralai|@opentelemetry|typebox|proxy-agent|https?-proxy-agent|undici|chalk|partial-json|zod-to-json-schema)(\/|$)/;

const trimmed = {
  name: "trimmed",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/json-parse\.js$/ }, () => ({ path: here("src/json-parse.mjs") }));
    onResolve({ filter: FOREIGN }, ({ path }) => ({ path, namespace: "absent" }));
    onResolve({ filter: /\/register-builtins\.js$/ }, ({ path }) => ({ path, namespace: "absent" }));
    onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
    // The older package holds the models of all providers in one module.
    onLoad({ filter: /pi-ai\/dist\/models\.generated\.js$/ }, async ({ path }) => {
      const { MODELS } = await import(pathToFileURL(path));
      const kept = { "github-copilot": MODELS["github-copilot"] };
      return { contents: `export const MODELS = ${JSON.stringify(kept)};` };
    });
  },
};

rmSync(here("dist"), { recursive: true, force: true });
const result = await build({
  absWorkingDir: here("."),
  entryPoints: ["src/main.mjs"],
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  define: { PI_AI_VERSIONS: JSON.stringify(dependencies) },
  plugins: [trimmed],
});
const size = Object.values(result.metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0);
console.log(`dist: ${Object.keys(result.metafile.outputs).length} files, ${size} bytes`);
