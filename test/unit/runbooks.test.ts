import { readdirSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { wholeProgram } from "../../cli/whole-program.ts";
import { DASHBOARDS } from "../../deploy/grafana/dashboards.ts";

/** Whoever is woken at night types what a page says, and looks for what it names. */
const RUNBOOKS = new URL("../../docs/runbooks/", import.meta.url);
const pages = readdirSync(RUNBOOKS).map((name) => [name, readFileSync(new URL(name, RUNBOOKS), "utf8")] as const);
const titles = new Set(Object.values(DASHBOARDS).map(({ title }) => title.replace("gramfleet / ", "")));
const panels = new Set(Object.values(DASHBOARDS).flatMap((dashboard) => dashboard.panels.map(({ title }) => title)));

let program: Command;
beforeAll(async () => {
  program = await wholeProgram(COMMANDS);
});

/** What is wrong with a command line, null where nothing is. */
function wrongWith(line: string): string | null {
  let command = program;
  const words = line.split(/\s+/);
  for (;;) {
    const next = command.commands.find((below) => below.name() === words[0]);
    if (!next) break;
    command = next;
    words.shift();
  }
  if (command === program || command.commands.length > 0) return `no such command: gramfleet ${line}`;
  const flags = words.filter((word) => word.startsWith("-"));
  const unknown = flags.filter((flag) => !command.options.some(({ long, short }) => flag === long || flag === short));
  if (unknown.length > 0) return `gramfleet ${line}: no option ${unknown.join(", ")}`;
  const given = words.length - flags.length;
  const wanted = command.registeredArguments;
  const most = wanted.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : wanted.length;
  const least = wanted.filter(({ required }) => required).length;
  return given < least || given > most ? `gramfleet ${line}: ${given} arguments` : null;
}

test("a command that is none is seen", () => {
  expect(wrongWith("queue status")).toBeNull();
  expect(wrongWith("queue")).toContain("no such command");
  expect(wrongWith("queues status")).toContain("no such command");
  expect(wrongWith("queue drain <queue> --really")).toContain("no option --really");
  expect(wrongWith("sessions status")).toContain("0 arguments");
  expect(wrongWith("health now")).toContain("1 arguments");
});

/** Code that calls us, as it is or by node. */
function commandsIn(page: string): string[] {
  const code = [...page.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
  return code.flatMap((text) => /^(?:.* bin\/gramfleet\.mjs|gramfleet) (.+)$/.exec(text)?.[1] ?? []);
}

test("there is something to type", () => {
  expect(pages.flatMap(([, page]) => commandsIn(page)).length).toBeGreaterThan(50);
});

describe.each(pages)("%s", (_, page) => {
  test("every command of ours is one, with its options and arguments", () => {
    expect(commandsIn(page).flatMap((line) => wrongWith(line) ?? [])).toEqual([]);
  });

  test("every dashboard, panel and page that it names is there", () => {
    for (const [, name = ""] of page.matchAll(/dashboards? \*([^*]+)\*/g)) expect(titles).toContain(name);
    for (const [, name = ""] of page.matchAll(/"([A-Z][^"\n]*)"(?=[^"\n]* dashboard \*)/g))
      expect(panels).toContain(name);
    for (const [, name = ""] of page.matchAll(/\]\(([\w.]+)\)/g)) expect(pages.map(([file]) => file)).toContain(name);
  });
});
