import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileDataDir, processesOf, servicesStopped } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { exportBytes, SMALL_EXPORT } from "../support/export-file.ts";
import { gramfleet, jsonOf, prepareCommands, type Ran, type Running, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { commandCases, NO_EXPORTS } from "./cli-commands.cases.ts";

const FLAWLESS = { lost: 0, doubled: 0, violations: 0, duplicateKeys: 0 };
const READY = /^logs are under/m;
const ARRIVED = /somebody new came by invite and bot: logged in after [\d.]+ s, [1-9]\d* posts to read after [\d.]+ s/;

const dataDir = fileDataDir();
prepareCommands();
const world = join(dataDir, "hafenbote.json");
const scrapeTargets = join(dataDir, "prometheus-targets.json");
const up = ["up", "--users", "4", "--channels", "3", "--world", world, "--data-dir", dataDir];

interface Summary {
  readonly users: number;
  readonly parses: number;
  readonly messages: number;
}

/** Rows by channel, deleted ones with them. */
async function rows(): Promise<Map<string, number>> {
  const ran = await runHere(["channels", "list", "--json", "--data-dir", dataDir]);
  const channels = jsonOf<{ id: string; messages: number; deleted: number }[]>(ran);
  return new Map(channels.map(({ id, messages, deleted }) => [id, messages + deleted]));
}
const sum = (counts: Map<string, number>) => [...counts.values()].reduce((total, count) => total + count, 0);

/* One world's life, from a file that is none to the last end: to start it is what costs. */

it("names a world file that is no export, and the place, and leaves nothing half loaded", async () => {
  for (const [index, [bytes, line]] of NO_EXPORTS.entries()) {
    writeFileSync(world, bytes);
    // What \`up\` passes on is what the emulator says that it starts.
    const [loads, verify] = await Promise.all([
      index === 0 ? gramfleet([...up, "--json"]) : runHere(["emulator", "--world", world]),
      runHere(["verify", "--world", world, "--data-dir", dataDir]),
    ]);
    for (const ran of [loads, verify]) {
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toMatch(new RegExp(`^gramfleet: ${world}${line}\n$`));
    }
  }
  writeFileSync(world, exportBytes(SMALL_EXPORT));
});

let first: Summary;
let before: Map<string, number>;

it("runs all of it, ends by itself with a flawless summary, and lets no second one in", async () => {
  const running = startGramfleet([...up, "--for", "2", "--json"]);
  await running.says(READY);
  const second = await runHere([...up, "--json"]);
  expect(second).toEqual({
    code: 1,
    stdout: "",
    stderr: `gramfleet: another gramfleet runs in ${dataDir}: stop it first, or take another data directory\n`,
  });
  const ran = await running.ended;
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stdout.trimEnd()).not.toContain("\n");
  first = jsonOf<Summary>(ran);
  expect(Object.keys(first)).toEqual([
    ...["users", "parses", "messages", "edits", "deletions"],
    ...["lost", "doubled", "violations", "duplicateKeys", "lagP99Seconds", "arrival"],
  ]);
  expect(first).toMatchObject({ users: 4, ...FLAWLESS });
  expect(first.parses).toBeGreaterThanOrEqual(4);
  expect(first.messages).toBeGreaterThan(1_500);
  before = await rows();
  expect(sum(before)).toBe(first.messages);
});

it("has a scheduler of its own beside it work on the same services and the same world", async () => {
  const scheduler = startGramfleet(["scheduler", "--data-dir", dataDir], { source: true });
  await scheduler.ready();
  scheduler.signal("SIGTERM");
  const ran = await scheduler.ended;
  expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: "" });
  expect(ran.stderr).toMatch(/"service":"PostgreSQL","where":"[^"]+, database gramfleet_\w+","msg":"embedded"/);
  expect(ran.stderr).toContain('"queues":["parse-910001","parse-910002","parse-910003","parse-own"]');
});

let again: Running;

it("goes on where it stopped", async () => {
  again = startGramfleet([...up, "--workers", "1"]);
  await again.says(READY);
  expect(again.stdout()).toMatch(/^PostgreSQL +embedded/m);
  expect(again.stdout()).toMatch(/^Telegram +embedded/m);
  expect(again.stdout()).toContain("--pace 60: 15 minutes pass in 15 s");
  const targets = JSON.parse(readFileSync(scrapeTargets, "utf8")) as { targets: [string]; labels: object }[];
  expect(targets.map(({ labels }) => labels)).toEqual([
    { process: "worker", instance: "worker-1" },
    { process: "scheduler", instance: "scheduler" },
  ]);
  // A process serves only what it has.
  for (const [index, name] of ["telegram_api_calls_total", "scheduler_last_scan_timestamp_seconds"].entries())
    expect(await (await fetch(`http://${targets[index]?.targets[0]}/metrics`)).text()).toContain(name);
  // Somebody comes by the bot and goes again, and those who were there are counted.
  await again.says(ARRIVED, 60_000);
});

describe("beside it", () => commandCases({ dataDir, world }));

it("Ctrl-C ends it with a summary, and nothing stays behind", async () => {
  again.signal("SIGINT");
  const ran = await again.ended;
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stdout).toContain("lost 0 · doubled 0 · calls before a wait's end 0 · keys killed 0");
  expect(ran.stdout).toMatch(ARRIVED);
  const { users, parses, messages } = printed(ran);
  expect(users).toBe(4);
  // Everybody once more, whatever they were parsed before.
  expect(parses).toBeGreaterThanOrEqual(4);
  expect(messages).toBeLessThan(first.messages / 4);
  const after = await rows();
  expect(sum(after)).toBe(sum(before) + messages);
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());

  expect(existsSync(scrapeTargets)).toBe(false);
  await servicesStopped(dataDir);
  if (process.platform === "linux")
    await eventually(() => processesOf(dataDir).length === 0, { what: "the end of every process" });
});

/** The numbers of the summary's table. */
function printed(ran: Ran): Summary {
  const lines = ran.stdout.split("\n");
  const heading = lines.findIndex((line) => /^users +parses +messages/.test(line));
  const [users, parses, messages] = (lines[heading + 1] ?? "").trim().split(/ +/).map(Number);
  return { users: users ?? 0, parses: parses ?? 0, messages: messages ?? 0 };
}
