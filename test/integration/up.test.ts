import { expect, it } from "vitest";
import { fileDataDir, processesOf, servicesStopped } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { gramfleet, jsonOf, prepareCommands, type Ran, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";

const FLAWLESS = { lost: 0, doubled: 0, violations: 0, duplicateKeys: 0 };
const READY = /^logs are under/m;

const dataDir = fileDataDir();
prepareCommands();
const up = ["up", "--users", "6", "--channels", "4", "--data-dir", dataDir];

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

let first: Summary;
let before: Map<string, number>;

it("runs all of it, ends by itself with a flawless summary, and lets no second one in", async () => {
  const running = startGramfleet([...up, "--for", "4", "--json"]);
  await running.says(READY);
  const second = await gramfleet([...up, "--json"]);
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
    ...["lost", "doubled", "violations", "duplicateKeys", "lagP99Seconds"],
  ]);
  expect(first).toMatchObject({ users: 6, ...FLAWLESS });
  expect(first.parses).toBeGreaterThanOrEqual(6);
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

it("goes on where it stopped; Ctrl-C ends it with a summary, and nothing stays behind", async () => {
  const running = startGramfleet([...up, "--workers", "1"]);
  await running.says(READY);
  expect(running.stdout()).toMatch(/^PostgreSQL +embedded/m);
  expect(running.stdout()).toMatch(/^Telegram +embedded/m);
  expect(running.stdout()).toContain("--pace 60: 15 minutes pass in 15 s");
  running.signal("SIGINT");
  const ran = await running.ended;
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stdout).toContain("lost 0 · doubled 0 · calls before a wait's end 0 · keys killed 0");
  const { users, parses, messages } = printed(ran);
  expect(users).toBe(6);
  // Everybody once more, whatever they were parsed before.
  expect(parses).toBeGreaterThanOrEqual(6);
  expect(messages).toBeLessThan(first.messages / 4);
  const after = await rows();
  expect(sum(after)).toBe(sum(before) + messages);
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());

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
