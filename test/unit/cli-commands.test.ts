import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("gramfleet --help lists every command", () => {
  const ran = spawnSync(process.execPath, [join(root, "bin", "gramfleet.mjs"), "--help"], { encoding: "utf8" });
  expect(ran).toMatchObject({ status: 0, stderr: "" });
  for (const name of Object.keys(COMMANDS)) expect(ran.stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, "m"));
});

describe.each(Object.entries(COMMANDS))("gramfleet %s", (name, { says, load }) => {
  it("helps with itself and what is below it", async () => {
    const command = await load();
    expect(command.name()).toBe(name);
    expect(says).toMatch(/^\S.{10,}/);
    for (const { help, one, arguments: args } of helpBelow(command)) {
      expect(help).toMatch(/^Usage: /);
      for (const argument of args) expect(help).toContain(argument);
      for (const option of one.options)
        expect(option.description, `${one.name()} ${option.flags}`).toMatch(/^\S.*[^.\s]$/);
      if (one !== command) expect(one.description(), one.name()).toMatch(/^\S/);
    }
  });
});

function* helpBelow(command: Command): Generator<{ help: string; one: Command; arguments: string[] }> {
  const names = command.registeredArguments.map((argument) => argument.name());
  yield { help: command.helpInformation(), one: command, arguments: names };
  for (const below of command.commands) yield* helpBelow(below);
}

describe("a command loads no more than it needs", () => {
  it.each([
    // Help, and whatever ends before its command begins.
    ["cli/main.ts", /^(?!cli|config|runtime)/],
    ["cli/processes.ts", /^(telegram|queue|scheduler|workers|api|emulator|bench)\b/],
    ["scheduler/main.ts", /^(telegram|workers|emulator|bench)\b/],
    ["workers/main.ts", /^(emulator|bench|cli)\b/],
    ["cli/sessions.ts", /^(telegram|queue|emulator|bench)\b/],
    ["cli/up.ts", /^(telegram|queue|emulator|bench)\b/],
    ["cli/up/run.ts", /^(telegram\/gramjs|emulator|bench)\b/],
    ["cli/emulator.ts", /^(emulator|db)\b/],
  ])("%s", (start, needless) => {
    const loaded = loadedBy(start);
    expect(loaded.size).toBeGreaterThan(2);
    expect([...loaded].filter((file) => needless.test(file))).toEqual([]);
  });
});

/** A module and all that it imports, and they import, as it is loaded. */
function loadedBy(start: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(start)) return loaded;
  loaded.add(start);
  const source = readFileSync(join(root, start), "utf8");
  // `import type` alone is gone at run time: an empty `import {}` still loads.
  for (const [, from = ""] of source.matchAll(/^(?:import|export)\s+(?!type\b)[\w$*{}\s,]*?(?:from\s*)?"(\.[^"]+)"/gm))
    loadedBy(normalize(join(dirname(start), from)), loaded);
  return loaded;
}
