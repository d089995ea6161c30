import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadEnvFile } from "../../cli/env-file.ts";
import { testDataDir } from "../support/data-dir.ts";

function load(text: string, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const file = join(testDataDir(), ".env");
  writeFileSync(file, text);
  loadEnvFile(file, env);
  return env;
}

test("variables come from the file, and what is set already stays", () => {
  const text = [
    "# a comment, it's one",
    "",
    "LOG_LEVEL=debug",
    "export REDIS_PREFIX = mine # why",
    'QUOTED="a b"',
    "LINES='one",
    "two=2'",
    "EMPTY=",
    "BARE=it's",
  ].join("\n");
  expect(load(text, { LOG_LEVEL: "warn" })).toEqual({
    LOG_LEVEL: "warn",
    REDIS_PREFIX: "mine",
    QUOTED: "a b",
    LINES: "one\ntwo=2",
    EMPTY: "",
    BARE: "it's",
  });
  expect(load("A=1\r\nB=2\r\n")).toEqual({ A: "1", B: "2" });
});

test.each([
  ["A=1\nhunter2\nB=2\n", 2],
  ["A=1\n\n# fine\n2B=hunter2", 4],
  ["=hunter2", 1],
  ['A="1\n2"\nhunter2 B=2', 3],
])("a malformed line is named by its number, without what it says", (text, line) => {
  expect(() => load(text)).toThrow(new RegExp(`/\\.env: line ${line} is not NAME=value$`));
});

test("no file is no trouble; one that cannot be read is told", () => {
  const dir = testDataDir();
  loadEnvFile(join(dir, "none"), {});
  mkdirSync(join(dir, ".env"));
  expect(() => loadEnvFile(join(dir, ".env"), {})).toThrow(/\.env cannot be read \(EISDIR\)/);
});
