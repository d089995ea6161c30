import { type Job, Queue } from "bullmq";
import { afterAll, beforeAll, expect, it } from "vitest";
import { endingsToTell, markTold } from "../../db/session-endings.ts";
import { transition } from "../../db/sessions.ts";
import { findUser } from "../../db/users.ts";
import { recordWait } from "../../db/waits.ts";
import { createParking } from "../../queue/parking.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createLimiter } from "../../telegram/limiter.ts";
import { startCliHome } from "../support/cli-home.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf, prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";

/** Who waits for what, and who was ended: told by every command that an operator would ask. */
const [HELD, PARTLY, FREE, ENDED] = [801n, 802n, 803n, 804n] as const;
const API_ID = 1001;
const home = await startCliHome({ apiIds: [API_ID], people: [HELD, PARTLY, FREE, ENDED] });
const { service, redis, database, producer, env } = home;
let until: string;

prepareCommands();
beforeAll(async () => {
  const wait = (telegramId: bigint, method: string, seconds: number, chatId = 0n) =>
    database.asWorker((tx) => recordWait(tx, { telegramId, method, chatId, seconds }));
  const held = await wait(HELD, "users.getUsers", 7_200);
  until = `${held.until.toISOString().slice(0, 19).replace("T", " ")}Z`;
  await wait(PARTLY, "contacts.resolveUsername", 3_600);
  await wait(PARTLY, "messages.getHistory", 600, 55n);
  const limiter = createLimiter({
    redis: () => openRedis(service.url, "limiter"),
    callsPerSecond: 100,
    prefix: service.prefix,
    slotDeadlineMs: 5_000,
    clock: systemClock,
    log: silentLog,
  });
  await limiter.run(API_ID, async () => undefined);
  for (const account of [1n, 2n, 3n]) await limiter.methods.flooded(API_ID, "messages.getHistory", account, 60);
  await limiter.close();
});
afterAll(() => home.close());

const run = (...args: string[]) => runHere(args, { env });

it("a parse by hand says until when its user waits, in one line, and enqueues nothing", async () => {
  const [waiting, both] = await Promise.all([
    run("parse", String(HELD)),
    run("parse", String(HELD), String(PARTLY), "--json"),
  ]);
  expect(waiting).toMatchObject({
    code: 1,
    stdout: "",
    stderr: `gramfleet: ${HELD} waits until ${until} (users.getUsers, as Telegram asked)\n`,
  });
  // What a parse can do without does not hold it.
  expect(both.code).toBe(1);
  expect(jsonOf(both)).toEqual([
    { telegramId: String(HELD), outcome: `waits until ${until} (users.getUsers, as Telegram asked)`, waits: true },
    { telegramId: String(PARTLY), outcome: "enqueued" },
  ]);
  expect(await producer.queueCounts()).toEqual([expect.objectContaining({ queue: `parse-${API_ID}`, waiting: 1 })]);
});

it("a parse that is waited for says so as soon as a wait puts it off", async () => {
  const parsing = startGramfleet(["parse", String(FREE), "--wait", "--timeout", "60"], { env });
  await eventually(async () => (await producer.queueCounts())[0]?.waiting === 2);
  await database.asWorker((tx) =>
    recordWait(tx, { telegramId: FREE, method: "messages.getPeerDialogs", chatId: 0n, seconds: 900 }),
  );
  const ended = await parsing.ended;
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(
    /^gramfleet: 803 waits until \S+ \S+Z \(messages\.getPeerDialogs, as Telegram asked\)\n$/,
  );
});

it("a parse whose job is parked says until when, and that its worker ended each time", async () => {
  const queue = new Queue(`parse-${API_ID}`, { connection: redis, prefix: keyPrefix(service.prefix) });
  const { id } = (await database.inTenant("default", (tx) => findUser(tx, PARTLY))) ?? {};
  const job = (await queue.getJobs()).find(({ data }) => data.userId === String(id)) as Job;
  const parking = createParking(redis, service.prefix);
  await parking.note(job, new Date(Date.now() + 3_600_000));
  const parked = await run("parse", String(PARTLY));
  await parking.noteBack(job);
  await queue.close();
  expect(parked).toMatchObject({ code: 1, stdout: "" });
  expect(parked.stderr).toMatch(/^gramfleet: 802 is parked until \S+ \S+Z: the job ended its worker each time\n$/);
});

it("waits lists accounts and API IDs; users and sessions show it too", async () => {
  const [table, json, users, status] = await Promise.all([
    run("waits"),
    run("waits", "--limit", "1", "--json"),
    run("users", "list", "--json"),
    run("sessions", "status", String(PARTLY)),
  ]);
  expect(table.stdout).toMatch(/^API ID 1001: messages\.getHistory is paused until \S+ \S+Z\n/);
  expect(table.stdout).toMatch(/^ +801 +1001 +users\.getUsers +– +\S+ \S+Z +7200$/m);
  expect(table.stdout).toMatch(/^ +802 +1001 +messages\.getHistory +55 +/m);
  expect(jsonOf(json)).toMatchObject({
    waits: 4,
    accounts: 3,
    apiIds: [{ apiId: API_ID, method: "messages.getHistory" }],
    listed: [{ telegramId: String(HELD), method: "users.getUsers", seconds: 7_200 }],
  });
  const listed = jsonOf<{ telegramId: string; waitsUntil: string | null }[]>(users);
  expect(listed.map(({ telegramId, waitsUntil }) => [telegramId, waitsUntil !== null])).toEqual([
    [String(HELD), true],
    [String(PARTLY), true],
    [String(FREE), true],
    [String(ENDED), false],
  ]);
  expect(status.stdout).toMatch(/^waits for messages\.getHistory in chat 55 until \S+ \S+Z \(asked for 600 s\)$/m);
});

it("shows an ended session's state and reason, and whether its owner was told", async () => {
  await database.asWorker(async (tx) => {
    const { id } = await tx
      .selectFrom("sessions")
      .select("id")
      .where("telegram_id", "=", ENDED)
      .executeTakeFirstOrThrow();
    await transition(tx, id, { from: ["AUTHORIZED"], to: "STALE", reason: "revoked_elsewhere" });
  });
  const list = await run("sessions", "list");
  expect(list.stdout).toMatch(/^ +804 +user_804 +1001 +STALE +\S+ \S+Z +revoked_elsewhere/m);
  expect((await run("sessions", "status", String(ENDED))).stdout).not.toContain("owner told");
  const [ending] = await database.asWorker((tx) => endingsToTell(tx, 10));
  await database.asWorker((tx) => markTold(tx, ending!.eventId));
  const status = await run("sessions", "status", String(ENDED));
  expect(status.stdout).toMatch(/AUTHORIZED → STALE {2}revoked_elsewhere {2}\(owner told \S+ \S+Z\)$/m);
});
