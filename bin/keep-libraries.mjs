// Leaves in node_modules what a build still loads from there (dist/libraries.json), with what that needs in its turn:
// the rest is in the build already, or for development.  node bin/keep-libraries.mjs
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8"));
const installedList = join("node_modules", ".package-lock.json");
const installed = read(installedList);
const { optionalDependencies = {} } = read("package.json");
const kept = new Set();

/** Where Node finds `name` from the package at `from`: in its own node_modules, or in one above it. */
function locate(name, from) {
  for (let at = from; ; at = at.slice(0, at.lastIndexOf("/node_modules/"))) {
    const path = at ? `${at}/node_modules/${name}` : `node_modules/${name}`;
    if (installed.packages[path]) return path;
    if (!at.includes("/node_modules/")) {
      const top = `node_modules/${name}`;
      return installed.packages[top] ? top : null;
    }
  }
}

function keep(path) {
  if (path === null || kept.has(path)) return;
  kept.add(path);
  for (const name of Object.keys(installed.packages[path].dependencies ?? {})) keep(locate(name, path));
}

// Libraries name some that they can do without; what is optional to us, production does without.
for (const name of read("dist", "libraries.json")) if (!(name in optionalDependencies)) keep(locate(name, ""));

for (const path of Object.keys(installed.packages)) {
  const nested = [...kept].some((each) => each.startsWith(`${path}/`));
  if (!kept.has(path) && !nested) rmSync(join(root, path), { recursive: true, force: true });
}
// Commands of packages that are gone, and caches.
for (const name of readdirSync(join(root, "node_modules")).filter((each) => each.startsWith(".")))
  rmSync(join(root, "node_modules", name), { recursive: true });
const packages = Object.fromEntries([...kept].sort().map((path) => [path, installed.packages[path]]));
writeFileSync(join(root, installedList), `${JSON.stringify({ ...installed, packages })}\n`);
