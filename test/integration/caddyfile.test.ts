import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startApiApp } from "../support/api.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const caddyfile = readFileSync(join(root, "deploy/caddy/Caddyfile"), "utf8").replace(/^\s*#.*$/gm, "");

/** The patterns of a named path matcher. */
function pathsOf(matcher: string): string[] {
  const [, given = ""] = new RegExp(`@${matcher} (?:path (.*)|\\{)`).exec(caddyfile) ?? [];
  const within = /^\s*path (.*)$/m.exec(caddyfile.slice(caddyfile.indexOf(`@${matcher} {`)))?.[1] ?? "";
  return (given || within).split(/\s+/).filter(Boolean);
}

const matches = (pattern: string, path: string) =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

test("Caddy lets through what the api serves, and nothing that it does not", () => {
  const { paths } = JSON.parse(readFileSync(join(root, "api/openapi.json"), "utf8")) as { paths: object };
  const served = [...Object.keys(paths), "/docs"];
  const patterns = pathsOf("api");
  expect(served.filter((path) => !patterns.some((pattern) => matches(pattern, path)))).toEqual([]);
  expect(patterns.filter((pattern) => !served.some((path) => matches(pattern, path)))).toEqual([]);
  // What every process serves for its operator is not for the internet.
  for (const inside of ["/metrics", "/live", "/ready", "/status", "/queues"])
    expect(
      patterns.some((pattern) => matches(pattern, inside)),
      inside,
    ).toBe(false);
  expect(pathsOf("queues")).toEqual(["/queues", "/queues/*"]);
  expect(caddyfile).toMatch(/@queues \{[^}]*remote_ip/);
});

test("the api sets the headers of a page over https itself, so that Caddy has none to double", async () => {
  expect(caddyfile).not.toMatch(/^\s*header\b/m);
  const api = await startApiApp();
  try {
    const { headers } = await api.app.inject("/docs");
    expect(headers["strict-transport-security"]).toMatch(/^max-age=\d{8}/);
    for (const name of ["content-security-policy", "x-content-type-options", "referrer-policy"])
      expect(headers[name], name).toBeDefined();
  } finally {
    await api.close();
  }
});

test("its blocks close, and what it imports is defined before", () => {
  const depth = [...caddyfile].reduce((open, sign) => open + (sign === "{" ? 1 : sign === "}" ? -1 : 0), 0);
  expect(depth).toBe(0);
  for (const { index, 1: name } of caddyfile.matchAll(/import (\w+)/g))
    expect(caddyfile.slice(0, index)).toContain(`(${name}) {`);
});
