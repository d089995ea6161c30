import type { Command } from "commander";
import { beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { cliDocumentation } from "../../cli/documentation.ts";
import { EXAMPLES } from "../../cli/examples.ts";
import { wholeProgram } from "../../cli/whole-program.ts";

let program: Command;
const leaves = new Map<string, Command>();
beforeAll(async () => {
  program = await wholeProgram(COMMANDS);
  for (const command of program.commands) collect(command, command.name());
});

function collect(command: Command, path: string): void {
  if (command.commands.length === 0) leaves.set(path, command);
  for (const below of command.commands) collect(below, `${path} ${below.name()}`);
}

it("docs/cli.md is what the commands say of themselves (vitest -u writes it anew)", async () => {
  // The number of workers depends on the machine.
  const text = cliDocumentation(program).replace(
    /(worker processes \()\d+( by default)/,
    "$1one a processor, up to 4$2",
  );
  await expect(text).toMatchFileSnapshot("../../docs/cli.md");
});

it("every command has an example, and there is none of a command that is not there", () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual([...leaves.keys()].sort());
});

describe.each(Object.entries(EXAMPLES))("the examples of %s", (path, examples) => {
  it.each(examples)("%s", async (line, says) => {
    expect(says).toMatch(/^\S.*[^.\s]$/);
    const words = (line.split(" > ")[0] ?? "").match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
    expect(words[0]).toBe("gramfleet");
    const command = leaves.get(path);
    if (!command) throw new Error(`there is no command ${path}`);
    const names = path.split(" ");
    expect(words.slice(1, names.length + 1)).toEqual(names);
    // Parsed as it would be, and not run.
    const called: unknown[] = [];
    command.exitOverride().configureOutput({ writeErr: () => {} });
    command.action((...given: unknown[]) => void called.push(given));
    await command.parseAsync(words.slice(names.length + 1), { from: "user" });
    expect(called).toHaveLength(1);
  });
});
