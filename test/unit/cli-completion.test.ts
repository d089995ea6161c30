import { execFileSync, spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { bashScript } from "../../cli/completion/bash.ts";
import { fishScript } from "../../cli/completion/fish.ts";
import { type CompletedCommand, completed, valueOptions } from "../../cli/completion/model.ts";
import { zshScript } from "../../cli/completion/zsh.ts";
import { wholeProgram } from "../../cli/whole-program.ts";

let commands: CompletedCommand[];
beforeAll(async () => {
  commands = completed(await wholeProgram(COMMANDS));
});

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** What bash offers for each of these lines, the last word being typed; one bash for all. */
function offeredByBash(lines: readonly (readonly string[])[]): string[][] {
  const quoted = (word: string) => `'${word}'`;
  const asked = lines.map(
    (words) =>
      `COMP_WORDS=(${words.map(quoted).join(" ")}); COMP_CWORD=${words.length - 1}; _gramfleet; echo "\${COMPREPLY[*]}"`,
  );
  const script = `${bashScript(commands)}\nMASTER_API_IDS=123,456\n${asked.join("\n")}\n`;
  const said = execFileSync("bash", ["--norc", "--noprofile"], {
    input: script,
    encoding: "utf8",
    cwd: import.meta.dirname,
  });
  return said
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? [] : line.split(" ")));
}

it("an option takes a value everywhere or nowhere: a shell knows no more than its name", () => {
  const taking = new Set(valueOptions(commands));
  for (const { path, options } of commands)
    for (const { name, value } of options)
      expect(`${path} ${name}: ${value !== null}`).toBe(`${path} ${name}: ${taking.has(name)}`);
});

describe("bash", () => {
  it("offers every command, every subcommand, and every option of each", () => {
    const wanted = commands.flatMap(({ path, below, options }) => {
      const before = ["gramfleet", ...(path === "" ? [] : path.split(" "))];
      return [
        ...(below.length > 0 ? [{ words: [...before, ""], all: below.map(({ name }) => name) }] : []),
        { words: [...before, "-"], all: options.map(({ name }) => name) },
      ];
    });
    const offered = offeredByBash(wanted.map(({ words }) => words));
    expect(offered).toEqual(wanted.map(({ all }) => all));
    expect(wanted.flatMap(({ all }) => all).length).toBeGreaterThan(200);
  });

  it.each([
    ["a word that is begun", ["gramfleet", "sess"], ["sessions"]],
    ["below a command", ["gramfleet", "users", "pa"], ["pause"]],
    ["an option's values", ["gramfleet", "users", "list", "--plan", ""], ["premium", "trial", "free"]],
    ["the same as one word", ["gramfleet", "export", "--format", "=", "j"], ["jsonl"]],
    ["and right behind the sign", ["gramfleet", "export", "--format", "="], ["tdesktop", "jsonl"]],
    ["an argument's values, behind another", ["gramfleet", "users", "plan", "5000001", "t"], ["trial"]],
    ["no values where the argument before is missing", ["gramfleet", "users", "plan", ""], []],
    ["behind an option with its value", ["gramfleet", "users", "--data-dir", "users", "list", "--pl"], ["--plan"]],
    [
      "queues, by the API IDs that are set",
      ["gramfleet", "queue", "pause", ""],
      ["parse-own", "parse-123", "parse-456"],
    ],
    ["more of them", ["gramfleet", "queue", "drain", "parse-123", "--yes", "parse-4"], ["parse-456"]],
    ["files", ["gramfleet", "verify", "--world", "cli-completion"], ["cli-completion.test.ts"]],
    ["no files for a folder", ["gramfleet", "up", "--data-dir", "cli-completion"], []],
    ["shells", ["gramfleet", "completion", ""], ["bash", "zsh", "fish"]],
    ["nothing for what is the operator's to know", ["gramfleet", "parse", ""], []],
  ])("%s", (_, words, offered) => {
    expect(offeredByBash([words])).toEqual(offered.length === 0 ? [[]] : [offered]);
  });

  it("leaves nothing but its function and its name behind", () => {
    const before = "compgen -A function; compgen -v";
    const script = `{ ${before}; } >&2\n${bashScript(commands)}\n${before}\ncomplete -p gramfleet\n`;
    const ran = spawnSync("bash", ["--norc", "--noprofile"], { input: script, encoding: "utf8" });
    const there = new Set(ran.stderr.split("\n"));
    expect(ran.stdout.split("\n").filter((line) => !there.has(line))).toEqual([
      "_gramfleet",
      "complete -F _gramfleet gramfleet",
    ]);
  });
});

/** What zsh's own functions would be told to offer: they are stood in for, since they need a terminal. */
function offeredByZsh(words: readonly string[]): string[] {
  const script = `
    compdef() { :; }
    compadd() { shift; print -rl -- "$@"; }
    _files() { print -r -- files; }
    _describe() { local name; for name in "\${(@P)\${@[-1]}}"; do print -r -- "\${name%%:*}"; done; }
    ${zshScript(commands)}
    MASTER_API_IDS=123,456; words=(${words.map((word) => `'${word}'`).join(" ")}); CURRENT=${words.length}; _gramfleet`;
  const ran = spawnSync("zsh", ["-f"], { input: script, encoding: "utf8" });
  expect(ran.stderr).toBe("");
  return ran.stdout.split("\n").filter((word) => word !== "" && word.startsWith(words.at(-1) ?? ""));
}

function offeredByFish(words: readonly string[]): string[] {
  const script = `${fishScript(commands)}\nset MASTER_API_IDS 123,456\ncomplete -C '${words.join(" ")}'\n`;
  const ran = spawnSync("fish", ["--no-config", "-c", script], { encoding: "utf8" });
  expect(ran.stderr).toBe("");
  return ran.stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
}

// Neither is there as a rule: what they are given is held against the tree in any case, and what is untried is said.
describe.each([
  ["zsh", zshScript, offeredByZsh],
  ["fish", fishScript, offeredByFish],
] as const)("%s", (shell, scriptOf, offeredBy) => {
  it("is told every command and every option", () => {
    const script = scriptOf(commands);
    for (const { path, options, below } of commands) {
      for (const { name } of below) expect(script, path).toContain(name);
      for (const { name } of options)
        expect(script, path).toContain(shell === "fish" ? `-l ${name.slice(2)} ` : `'${name}:`);
    }
  });

  it.for([
    { line: "gramfleet sess", offered: ["sessions"] },
    { line: "gramfleet users pa", offered: ["pause"] },
    { line: "gramfleet users list --plan ", offered: ["free", "premium", "trial"] },
    { line: "gramfleet users list --pl", offered: ["--plan"] },
    { line: "gramfleet users plan 5000001 t", offered: ["trial"] },
    { line: "gramfleet users plan ", offered: [] },
    { line: "gramfleet users --data-dir users list --pl", offered: ["--plan"] },
    { line: "gramfleet queue drain parse-123 --yes parse-4", offered: ["parse-456"] },
  ])(`completes "$line"${has(shell) ? "" : ` (SKIPPED: ${shell} is not installed)`}`, ({ line, offered }, { skip }) => {
    skip(!has(shell), `${shell} is not installed`);
    expect(offeredBy(line.split(" ")).sort()).toEqual(offered);
  });
});
