import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { listenForPosts, type PostListener } from "../../db/listen.ts";
import { createPostNotifier, type PostNotifier } from "../../db/notify.ts";
import { decodeHint, HINTS, type PostHint } from "../../db/post-hint.ts";
import { silentLog } from "../../runtime/log.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
/** A connection of the test's own. */
let plain: Client;
const open: (PostListener | PostNotifier)[] = [];
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  plain = new Client({ connectionString: test.url });
  await plain.connect();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await plain?.end();
  await database?.close();
  await test?.drop();
});

function notifier(everyMs: number): PostNotifier {
  const made = createPostNotifier({ database, everyMs, log: silentLog });
  open.push(made);
  return made;
}

/** What is notified from now on, as PostgreSQL delivers it. */
async function payloads(): Promise<string[]> {
  const heard: string[] = [];
  const onNotification = ({ payload }: { payload?: string | undefined }) => heard.push(payload ?? "");
  plain.removeAllListeners("notification");
  plain.on("notification", onNotification);
  // What an earlier test has left is not delivered to who begins to listen now.
  await plain.query("unlisten *");
  heard.length = 0;
  await plain.query(`listen ${HINTS}`);
  return heard;
}

/** A listener, and the hints that it passed on; "all" where it said to look at all. */
function listener(): { hints: (PostHint | "all")[] } {
  const hints: (PostHint | "all")[] = [];
  open.push(listenForPosts({ url: test.url, retryMs: 5, log: silentLog, onHint: (hint) => hints.push(hint ?? "all") }));
  return { hints };
}

const listeners = async () => {
  const { rows } = await plain.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'gramfleet-listen' and datname = current_database()`,
  );
  return rows.map((row) => row.pid);
};

describe("the notifier", () => {
  it("tells everything of one interval in one NOTIFY, with each channel's highest revision", async () => {
    const heard = await payloads();
    const { changed } = notifier(50);
    for (let revision = 1n; revision <= 40n; revision += 1n) {
      changed(1n, revision);
      changed(2n, 100n - revision);
    }
    await eventually(() => heard.length > 0, { what: "the first hint" });
    changed(3n, 7n);
    await eventually(() => heard.length > 1, { what: "the second hint" });
    expect(heard.map(decodeHint)).toEqual([
      new Map([
        [1n, 40n],
        [2n, 99n],
      ]),
      new Map([[3n, 7n]]),
    ]);
  });

  it("makes at most one NOTIFY each interval while changes keep coming", async () => {
    const heard = await payloads();
    const { changed } = notifier(40);
    const began = performance.now();
    for (let revision = 1n; heard.length < 4; revision += 1n) {
      changed(5n, revision);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Timers may fire a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(4 * 39);
  });

  it("says only that there is news where the channels do not fit", async () => {
    const heard = await payloads();
    const { changed } = notifier(5);
    for (let channel = 1n; channel <= 2_000n; channel += 1n) changed(1_000_000_000n + channel, 1n);
    await eventually(() => heard.length > 0, { what: "the hint" });
    expect(heard).toEqual([""]);
  });

  it("drops a hint that PostgreSQL does not take, and goes on", async () => {
    const heard = await payloads();
    let failing = true;
    let lost = 0;
    const made = createPostNotifier({
      database: { asWorker: (work) => (failing ? Promise.reject(new Error("gone")) : database.asWorker(work)) },
      everyMs: 5,
      log: { warn: () => (lost += 1) },
    });
    open.push(made);
    made.changed(1n, 1n);
    await eventually(() => lost === 1, { what: "a hint lost" });
    failing = false;
    made.changed(2n, 1n);
    await eventually(() => heard.length > 0, { what: "the hint" });
    expect(heard).toEqual(["2:1"]);
  });

  it("tells the rest at once when it is closed, and nothing afterwards", async () => {
    const heard = await payloads();
    const made = notifier(60_000);
    made.changed(1n, 1n);
    await made.close();
    made.changed(2n, 1n);
    await made.close();
    await plain.query(`notify ${HINTS}, 'the end'`);
    await eventually(() => heard.at(-1) === "the end", { what: "the end" });
    expect(heard).toEqual(["1:1", "the end"]);
  });
});

describe("the listener", () => {
  it("says to look at all when it begins, then passes hints on", async () => {
    const { hints } = listener();
    await eventually(() => hints.length > 0, { what: "listening" });
    notifier(1).changed(9n, 3n);
    await eventually(() => hints.length > 1, { what: "the hint" });
    await plain.query(`notify ${HINTS}, 'not ours'`);
    await eventually(() => hints.length > 2, { what: "the other hint" });
    expect(hints).toEqual(["all", new Map([[9n, 3n]]), "all"]);
  });

  it("listens again after its connection broke, and says to look at all", async () => {
    const { hints } = listener();
    await eventually(() => hints.length > 0, { what: "listening" });
    for (const times of [2, 3, 4]) {
      await plain.query("select pg_terminate_backend(pid) from unnest($1::int4[]) as pid", [await listeners()]);
      await eventually(() => hints.length >= times, { what: "listening again" });
    }
    expect(hints).toEqual(["all", "all", "all", "all"]);
    notifier(1).changed(9n, 4n);
    await eventually(() => hints.length > 4, { what: "the hint" });
    expect(hints[4]).toEqual(new Map([[9n, 4n]]));
  });

  it("keeps trying where there is no PostgreSQL, and ends all the same", async () => {
    const nowhere = new URL(test.url);
    nowhere.searchParams.set("host", "/nonexistent");
    let failures = 0;
    let hints = 0;
    const made = listenForPosts({
      url: nowhere.href,
      retryMs: 5,
      onHint: () => (hints += 1),
      log: { info: () => (failures += 1) },
    });
    await eventually(() => failures >= 3, { what: "three failures" });
    await made.close();
    expect(hints).toBe(0);
  });

  it("leaves no connection behind when it is closed, whenever that is", async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const { hints } = listener();
      if (turn % 2) await eventually(() => hints.length > 0, { what: "listening" });
      await Promise.all(open.splice(0).map((one) => one.close()));
    }
    await eventually(async () => (await listeners()).length === 0, { what: "no connection" });
  });
});
