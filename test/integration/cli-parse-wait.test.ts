import { afterAll, expect, it } from "vitest";
import { databaseNow } from "../../db/overview.ts";
import { endRun, type Run } from "../../db/runs.ts";
import { finish, loadSchedule, startRun } from "../../db/schedules.ts";
import { findUser, setPaused } from "../../db/users.ts";
import { startCliHome } from "../support/cli-home.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf, prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { runHere, startHere } from "../support/run-here.ts";

/** A parse that is followed, against runs that are begun and ended here: no worker serves this fleet. */
const TENANT = "default";
const QUEUE = "parse-1001";
const [ONE, TWO] = [901n, 902n] as const;
const home = await startCliHome({ apiIds: [1001], people: [ONE, TWO] });
const { database, producer, env } = home;

prepareCommands();
afterAll(() => home.close());

const idOf = async (telegramId: bigint) =>
  (await database.inTenant(TENANT, (tx) => findUser(tx, telegramId)))?.id ?? 0n;
const scheduleOf = async (telegramId: bigint) => {
  const userId = await idOf(telegramId);
  return database.inTenant(TENANT, (tx) => loadSchedule(tx, userId));
};
/** Waits until the parse of a user was asked for since `after`. */
const askedFor = (telegramId: bigint, after: Date) =>
  eventually(async () => ((await scheduleOf(telegramId))?.lastEnqueuedAt ?? after) > after);
const now = () => database.once(databaseNow);

async function begin(telegramId: bigint): Promise<Date> {
  const userId = await idOf(telegramId);
  const started = await database.once((tx) => startRun(tx, userId));
  if (!started) throw new Error("nobody there");
  return started.serverNow;
}

async function end(telegramId: bigint, startedAt: Date, run: Partial<Run> = {}): Promise<void> {
  const userId = await idOf(telegramId);
  const none = { channels: 0, channelsChanged: 0, calls: 0, waits: 0, added: 0, edited: 0, deleted: 0 };
  const ended = {
    tenantId: TENANT,
    userId,
    slot: startedAt,
    startedAt,
    plan: "free",
    outcome: "done",
    error: null,
  } as const;
  await database.asWorker((tx) => endRun(tx, { ...ended, ...none, ...run }, new Date(Date.now() + 3_600_000)));
}

it("is over with the first run that began after it was asked for, and tells what came of it", async () => {
  const before = await now();
  const earlier = await begin(ONE);
  const parsing = startHere(["parse", String(ONE), String(TWO), "--wait", "--json"], { env });
  await askedFor(ONE, before);
  await end(ONE, earlier, { added: 99 });
  await end(TWO, await begin(TWO), { outcome: "failed", error: "PeerGone: CHANNEL_INVALID" });
  // The run that ended first had begun before anybody asked.
  const userId = await idOf(ONE);
  await database.asOwner((tx) =>
    tx.updateTable("schedules").set({ claimed_at: new Date() }).where("user_id", "=", userId).execute(),
  );
  await end(ONE, await begin(ONE), {
    added: 3,
    edited: 2,
    deleted: 1,
    calls: 5,
    channels: 7,
    channelsChanged: 2,
    waits: 1,
  });
  const ran = await parsing.ended;
  expect(ran, ran.stderr).toMatchObject({ code: 1, stderr: "" });
  const seconds = expect.any(Number);
  expect(jsonOf(ran)).toEqual([
    {
      telegramId: String(ONE),
      outcome: "done",
      run: {
        ...{ outcome: "done", error: null, channels: 7, changed: 2, new: 3, edited: 2, deleted: 1, calls: 5, waits: 1 },
        seconds,
      },
    },
    {
      telegramId: String(TWO),
      outcome: "failed: PeerGone: CHANNEL_INVALID",
      run: expect.objectContaining({ outcome: "failed", error: "PeerGone: CHANNEL_INVALID" }),
    },
  ]);
});

it("says so where a parse comes to no run, or where its queue is paused", async () => {
  const before = await now();
  const parsing = startHere(["parse", String(ONE), "--wait", "--json"], { env });
  await askedFor(ONE, before);
  await database.inTenant(TENANT, (tx) => setPaused(tx, ONE, true));
  await begin(ONE);
  const userId = await idOf(ONE);
  await database.asWorker((tx) => finish(tx, userId, new Date(Date.now() + 60_000)));
  expect(jsonOf(await parsing.ended)).toEqual([
    {
      telegramId: String(ONE),
      outcome: "paused: gramfleet users resume",
    },
  ]);
  await database.inTenant(TENANT, (tx) => setPaused(tx, ONE, false));
  await producer.pause(QUEUE);
  const paused = await runHere(["parse", String(ONE), "--wait"], { env });
  await producer.resume(QUEUE);
  expect(paused).toMatchObject({
    code: 1,
    stdout: "",
    stderr: `gramfleet: ${ONE} ${QUEUE} is paused: gramfleet queue resume ${QUEUE}\n`,
  });
});

it("Ctrl-C ends the following, and says that the parse goes on", async () => {
  const before = await now();
  const parsing = startGramfleet(["parse", String(TWO), "--wait"], { env });
  await askedFor(TWO, before);
  parsing.signal("SIGINT");
  expect(await parsing.ended).toEqual({
    code: 130,
    stdout: "",
    stderr: "not followed any more: the parses go on (gramfleet users list)\n",
  });
  expect(await scheduleOf(TWO)).toMatchObject({ claimedAt: expect.any(Date) });
  expect((await producer.queueCounts([QUEUE]))[0]?.waiting).toBeGreaterThan(0);
});
