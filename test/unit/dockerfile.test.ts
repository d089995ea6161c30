import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { VARIABLES } from "../../config/variables.ts";
import { envOf, execForm, ignores, parseDockerfile } from "../support/dockerfile.ts";
import { dockerfileBreaches } from "../support/dockerfile-rules.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const dockerignore = read(".dockerignore");

describe("the Dockerfile", () => {
  const dockerfile = parseDockerfile(read("Dockerfile"));
  const last = dockerfile.stages.at(-1)?.instructions ?? [];

  test("breaks no rule", () => {
    expect(dockerfileBreaches(dockerfile)).toEqual([]);
  });

  test("is based on a Node that package.json allows", () => {
    const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
    const least = engines.node.replace(">=", "").split(".").map(Number);
    const [major = 0, minor = 0] = (/:(\d+)\.(\d+)/.exec(dockerfile.stages[0]?.base ?? "") ?? []).slice(1).map(Number);
    expect(major).toBe(least[0]);
    expect(minor).toBeGreaterThanOrEqual(least[1] ?? 0);
  });

  test("sets what gramfleet knows, and names programs that are there", () => {
    const names = last.filter(({ name }) => name === "ENV").flatMap((env) => Object.keys(envOf(env)));
    expect(names).toContain("METRICS_HOST");
    expect(names.filter((name) => !(name in VARIABLES))).toEqual([]);
    for (const { name, value } of last.filter((each) => /^(ENTRYPOINT|HEALTHCHECK)$/.test(each.name))) {
      const words = execForm(value.replace(/^CMD\s+/, ""));
      expect(existsSync(join(root, words?.[1] ?? "")), name).toBe(true);
    }
  });
});

const GOOD = `FROM node:20.20.2-slim
WORKDIR /app
COPY package.json ./
USER 1000
HEALTHCHECK CMD ["node", "x"]
ENTRYPOINT ["node", "x"]
CMD ["--help"]
`;

test("rules: nothing is said of one that keeps them", () => {
  expect(dockerfileBreaches(parseDockerfile(GOOD))).toEqual([]);
});

test.each([
  ["FROM node:20.20.2-slim", "FROM node", "node is not pinned"],
  ["FROM node:20.20.2-slim", "FROM node:latest", "node:latest is not pinned"],
  ["FROM node:20.20.2-slim", "FROM node:20", "node:20 is not pinned"],
  ["FROM node:20.20.2-slim", "ARG NPM_TOKEN\nFROM node:20.20.2-slim", "NPM_TOKEN is a secret"],
  ["USER 1000", "USER root", "the last USER"],
  ["USER 1000", "USER 0:0", "the last USER"],
  ["USER 1000\n", "", "the last USER"],
  ["COPY", "ADD", "COPY does it"],
  ["WORKDIR /app", "WORKDIR app", "not absolute"],
  ["USER 1000", "ENV A=1 \\\n  BOT_TOKEN=x\nUSER 1000", "BOT_TOKEN is a secret"],
  ["USER 1000", "RUN npm ci\nUSER 1000", "runs something"],
  ["USER 1000", "RUN curl x | sh\nUSER 1000", "| sh in a RUN"],
  ["COPY package.json ./", "COPY . .", "the whole context"],
  ["COPY package.json ./", "COPY a b c", "no folder"],
  ["COPY package.json ./", "COPY . .\nRUN npm ci", "copies the sources before"],
  ['ENTRYPOINT ["node", "x"]', "ENTRYPOINT node x", "ENTRYPOINT is not in exec form"],
  ['HEALTHCHECK CMD ["node", "x"]\n', "", "no HEALTHCHECK"],
  ['HEALTHCHECK CMD ["node", "x"]', "HEALTHCHECK NONE", "no HEALTHCHECK"],
])("rules: %j as %j is heard of", (good, bad, said) => {
  expect(dockerfileBreaches(parseDockerfile(GOOD.replace(good, bad))).join("\n")).toContain(said);
});

test("nothing secret, and nothing that is not needed, reaches a build", () => {
  const out = [
    ...[".env", ".env.production", "config/.env", "a.session", "telegram/a.session-journal", "config/dc.pem"],
    ...[".git/config", ".gramfleet/data/keyring", "node_modules/a/b.js", "bin/node_modules/a.js", "dist/cli/main.js"],
    ...["test/unit/a.test.ts", "emulator/start.ts", "bench/main.ts", "faults/main.ts", "deploy/compose/secrets/a"],
  ];
  expect(out.filter((path) => !ignores(dockerignore, path))).toEqual([]);
  const needed = ["package.json", "package-lock.json", "bin/build.mjs", "cli/main.ts", "web/qr-auth/esbuild.json"];
  expect(needed.filter((path) => ignores(dockerignore, path))).toEqual([]);
});
