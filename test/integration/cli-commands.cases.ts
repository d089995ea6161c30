import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { parseDesktopExport } from "../../formats/desktop/parse.ts";
import { fromJsonLine } from "../../formats/jsonl.ts";
import { exportBytes, SMALL_EXPORT } from "../support/export-file.ts";
import { gramfleet, jsonOf, type Ran } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";

const exported = SMALL_EXPORT.messages.filter(({ type }) => type !== "unsupported").length;
const whole = exportBytes(SMALL_EXPORT);

const oneLine = (ran: Ran) => expect(ran.stderr).toMatch(/^gramfleet: [^\n]+\n$/);

/** Files that are no exports, and what is said of them. */
export const NO_EXPORTS: [Buffer, string][] = [
  [
    whole.subarray(0, whole.indexOf('"id": 7')),
    ": ends too early at line \\d+, column \\d+, in messages\\[4\\]: cut off, or not JSON",
  ],
  [Buffer.from('{"hello": []}'), " is not a Telegram Desktop export [^\\n]+"],
  [exportBytes({ ...SMALL_EXPORT, id: 2n ** 53n + 1n }), ": id: must be a whole number below 2\\^53"],
];

/** The commands beside a running `up` of four users, on its world: three made-up channels, and `world`, SMALL_EXPORT's. */
export function commandCases({ dataDir, world }: { dataDir: string; world: string }): void {
  let ids: string[];

  const run = (...args: string[]) => runHere([...args, "--data-dir", dataDir]);

  /** What a command printed as JSON, where it exited with 0. */
  async function json<T>(...args: string[]): Promise<T> {
    const ran = await run(...args, "--json");
    expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: "" });
    return jsonOf<T>(ran);
  }

  beforeAll(async () => {
    const users = await json<{ telegramId: string }[]>("users", "list");
    ids = users.map(({ telegramId }) => telegramId);
  });

  it("parses everybody, and waits for it", async () => {
    expect(await json("parse", "--all", "--wait")).toEqual(
      ids.map((telegramId) => ({ telegramId, outcome: "done", run: expect.objectContaining({ channels: 4 }) })),
    );
  });

  it("lists users, channels and sessions", async () => {
    const [users, channels, sessions, table] = await Promise.all([
      json<object[]>("users", "list", "--plan", "premium"),
      json<{ id: string; subscribers: number; missing: number }[]>("channels", "list"),
      json<object[]>("sessions", "list"),
      gramfleet(["users", "list", "--data-dir", dataDir]),
    ]);
    expect(users).toEqual(
      Array(2).fill(expect.objectContaining({ plan: "premium", sessionState: "AUTHORIZED", lastOutcome: "done" })),
    );
    expect(channels).toHaveLength(4);
    expect(channels).toContainEqual(
      expect.objectContaining({ id: String(SMALL_EXPORT.id), title: SMALL_EXPORT.name, subscribers: 4, missing: 0 }),
    );
    expect(sessions).toHaveLength(4);
    expect(sessions).toContainEqual(expect.objectContaining({ telegramId: ids[0], state: "AUTHORIZED", holds: [] }));
    expect(table.stdout).toMatch(
      /^telegram_id +plan +paused +session +channels +next parse +last run +outcome +waits until\n/,
    );
    expect(table.stdout.trimEnd().split("\n")).toHaveLength(5);
  });

  it("tells a session's state, and the jobs in each queue", async () => {
    const [status, queues] = await Promise.all([
      json<{ events: object[] }>("sessions", "status", ids[0] ?? ""),
      json<object[]>("queue", "status"),
    ]);
    expect(status).toMatchObject({ telegramId: ids[0], state: "AUTHORIZED", waits: [] });
    expect(status.events).toContainEqual(expect.objectContaining({ fromState: "ABSENT", toState: "AUTHORIZED" }));
    expect(queues).toContainEqual(
      expect.objectContaining({ queue: expect.stringMatching(/^parse-91000\d$/), failed: 0 }),
    );
  });

  it("parses nobody who is paused, and nobody who is not here", async () => {
    const [paused, parsed] = ids as [string, string];
    expect(await json("users", "pause", paused)).toEqual({ telegramId: paused, paused: true });
    const [outcomes, stranger, malformed] = await Promise.all([
      json("parse", paused, parsed, "--wait"),
      run("parse", "1"),
      run("parse", "0x1"),
    ]);
    expect(outcomes).toEqual([
      { telegramId: paused, outcome: "paused: gramfleet users resume" },
      { telegramId: parsed, outcome: "done", run: expect.anything() },
    ]);
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining("no user 1 here") });
    oneLine(stranger);
    expect(malformed).toMatchObject({ code: 2, stderr: expect.stringContaining('"0x1" is no telegram_id') });
    oneLine(malformed);
    expect(await json("users", "resume", paused)).toEqual({ telegramId: paused, paused: false });
  });

  it("says of a channel that is not on Telegram that it is not found", async () => {
    const id = ids[1] ?? "";
    const [added, malformed] = await Promise.all([
      json("channels", "add", id, "https://t.me/Nobody_Has_This"),
      run("channels", "add", id, "fine_name", "no channel"),
    ]);
    expect(added).toEqual([{ added: true, name: "nobody_has_this" }]);
    expect(malformed).toMatchObject({ code: 2, stderr: expect.stringContaining('channel "no channel" is malformed') });
    oneLine(malformed);
    expect(await json("parse", id, "--wait")).toMatchObject([{ telegramId: id, outcome: "done" }]);
    const subscriptions = await json<{ name: string; state: string }[]>("channels", "list", id);
    expect(subscriptions.map(({ name }) => name)).not.toContain("fine_name");
    expect(subscriptions).toContainEqual(
      expect.objectContaining({ name: "nobody_has_this", state: "not_found", channel: null }),
    );
    expect(await json("channels", "remove", id, "@nobody_has_this")).toMatchObject({ removed: true });
  });

  it("verifies an export message by message, and names the field that differs", async () => {
    const altered = join(dataDir, "altered.json");
    const messages = SMALL_EXPORT.messages.map((message) => (message.id === 7 ? { ...message, height: 481 } : message));
    writeFileSync(altered, exportBytes({ ...SMALL_EXPORT, messages: messages.filter(({ id }) => id !== 9) }));
    const [verdicts, differing, table] = await Promise.all([
      json<object[]>("verify", "--world", world),
      run("verify", "--world", altered, "--json"),
      run("verify", "--world", altered),
    ]);
    expect(verdicts).toEqual([
      expect.objectContaining({ messages: exported, identical: exported, missing: [], different: [], extra: 0 }),
    ]);
    expect(verdicts[0]).toHaveProperty("textDigest", (verdicts[0] as { storedTextDigest: string }).storedTextDigest);
    expect(differing.code).toBe(1);
    expect(jsonOf<object[]>(differing)).toEqual([
      expect.objectContaining({ identical: exported - 2, different: [{ id: 7, fields: ["dimensions"] }], extra: 1 }),
    ]);
    expect(table.code).toBe(1);
    expect(table.stdout).toContain("message 7 differs in dimensions");
  });

  it("exports what is stored, in both forms", async () => {
    const file = join(dataDir, "out.json");
    const [written, lines, unknown] = await Promise.all([
      json("export", String(SMALL_EXPORT.id), "--out", file),
      gramfleet(["export", `https://t.me/c/${SMALL_EXPORT.id}/7`, "--format", "jsonl", "--data-dir", dataDir]),
      run("export", "@nobody_has_this"),
    ]);
    expect(written).toEqual({ channel: String(SMALL_EXPORT.id), messages: exported, file });
    expect(parseDesktopExport(readFileSync(file), file)).toMatchObject({
      id: SMALL_EXPORT.id,
      name: SMALL_EXPORT.name,
    });
    expect(await json("verify", "--world", file)).toMatchObject([{ messages: exported, identical: exported }]);
    expect(lines.code).toBe(0);
    const stored = lines.stdout.trimEnd().split("\n").map(fromJsonLine);
    expect(stored.map(({ id }) => id)).toEqual([1, 2, 5, 7, 9, 10]);
    expect(stored.find(({ id }) => id === 5)?.groupedId).toBe(13_000_000_000_000_001n);
    expect(unknown).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining('no channel "@nobody_has_this"'),
    });
    oneLine(unknown);
  });
}
