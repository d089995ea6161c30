import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testDataDir } from "../support/data-dir.ts";

const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
const rootOnDebian = process.getuid?.() === 0 && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release);

/** A clone with nothing in it but the bootstrap and the lists that say all packages are there. */
function clone(engines = ">=20.19"): { run(...args: string[]): ReturnType<typeof spawnSync>; bin: string } {
  const root = testDataDir();
  const bin = join(root, "path");
  for (const folder of ["bin", "node_modules", "path"]) mkdirSync(join(root, folder));
  copyFileSync("bin/bootstrap.mjs", join(root, "bin", "bootstrap.mjs"));
  writeFileSync(join(root, "package.json"), JSON.stringify({ engines: { node: engines } }));
  for (const list of ["package-lock.json", "node_modules/.package-lock.json"])
    writeFileSync(join(root, list), JSON.stringify({ packages: { "": {} } }));
  return {
    bin,
    run: (...args) =>
      spawnSync(process.execPath, [join(root, "bin", "bootstrap.mjs"), ...args], {
        encoding: "utf8",
        env: { PATH: bin, DATABASE_URL: "postgresql://not-embedded" },
      }),
  };
}

/** A program that notes what it is called with, and then does `script`. */
function program(bin: string, name: string, script = ""): () => string[] {
  const notes = join(bin, `${name}.calls`);
  writeFileSync(join(bin, name), `#!/bin/sh\necho "$*" >> ${notes}\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return () => (existsSync(notes) ? readFileSync(notes, "utf8").trim().split("\n") : []);
}

test("says nothing and installs nothing where all is there", () => {
  const { run, bin } = clone();
  const npm = program(bin, "npm");
  const apt = program(bin, "apt-get");
  program(bin, "redis-server");
  const { status, stdout, stderr } = run("install");
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "gramfleet: everything is installed\n" });
  expect([...npm(), ...apt()]).toEqual([]);
});

test("an older Node is told so in one line", () => {
  const { status, stderr } = clone(">=99.1").run("start");
  expect(status).toBe(1);
  expect(stderr).toMatch(/^gramfleet: Node\.js 99\.1 or later is needed, and this is [\d.]+: see \S+\n$/);
});

test("installs by the lock file when a package of it is missing or of another version", () => {
  const { run, bin } = clone();
  const npm = program(bin, "npm");
  program(bin, "redis-server");
  const lock = (packages: object) => writeFileSync(join(bin, "..", "package-lock.json"), JSON.stringify({ packages }));
  lock({ "": {}, "node_modules/wanted": { version: "1.0.0" } });
  run("install");
  expect(npm()).toEqual(["install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error"]);

  // What is for development alone, or for another kind of machine, is not waited for by `start`.
  lock({
    "": {},
    "node_modules/dev": { version: "1.0.0", dev: true },
    "node_modules/else": { version: "1", optional: true },
  });
  rmSync(join(bin, "npm.calls"));
  run("start");
  expect(npm()).toEqual([]);
});

test("an npm that fails ends it, with npm's exit made ours", () => {
  const { run, bin } = clone();
  program(bin, "npm", "exit 7");
  rmSync(join(bin, "..", "node_modules", ".package-lock.json"));
  const { status, stderr } = run("test");
  expect(status).toBe(1);
  expect(stderr).toContain("npm install failed");
});

test.skipIf(!rootOnDebian)(
  "as root on Debian, redis-server is installed, and package lists are fetched where they are old",
  () => {
    const { run, bin } = clone();
    // The first attempt fails as it does with old lists; after an update it works.
    const updated = join(bin, "updated");
    const script = `if [ "$1" = update ]; then : > ${updated}; exit 0; fi\n[ -e ${updated} ]`;
    const apt = program(bin, "apt-get", script);
    const { status, stderr } = run("install");
    expect(status).toBe(0);
    expect(apt().slice(-2)).toEqual(["update --quiet", "install --yes --quiet --no-install-recommends redis-server"]);
    expect(stderr).toContain("gramfleet: apt-get install --yes --no-install-recommends redis-server\n");
  },
);

test("where it cannot be installed, the command to type is said", () => {
  const { status, stderr } = clone().run("install");
  expect(status).toBe(1);
  expect(stderr).toMatch(/redis-server/);
});
