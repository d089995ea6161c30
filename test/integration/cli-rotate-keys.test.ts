import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { announcePresence, readPresences } from "../../queue/presence.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { keyMarks } from "../../telegram/key-marks.ts";
import { createVault } from "../../telegram/vault.ts";
import { startCliHome } from "../support/cli-home.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { plantSealed } from "../support/sealed-rows.ts";

interface Told {
  readonly keys: readonly { readonly keyId: string; readonly place: number | null; readonly encryptsIn: string[] }[];
  readonly mayGo: readonly string[];
  readonly rewrapped: { readonly sessions: number; readonly ownApiIds: number } | null;
}

const home = await startCliHome({ apiIds: [1001], people: [] });
const { database, redis, service } = home;
const [OLD, NEW] = ["k1", "k2"].map((id) => ({ id, key: randomBytes(32) })) as [Key, Key];
type Key = { readonly id: string; readonly key: Buffer };
const written = (...keyring: Key[]) => keyring.map(({ id, key }) => `${id}:${key.toString("base64")}`).join(",");
const run = (keyring: readonly Key[], ...args: string[]) =>
  runHere(["sessions", "rotate-keys", ...args], { env: { ...home.env, SESSION_ENCRYPTION_KEYS: written(...keyring) } });
const running: Lifecycle[] = [];

beforeAll(() => eventually(() => redis.status === "ready"));
afterEach(() => Promise.all(running.splice(0).map((lifecycle) => lifecycle.close())));
afterAll(() => home.close());

/** A process that says it runs, with this keyring. */
async function start(role: "worker" | "bot", ...keyring: Key[]): Promise<void> {
  const lifecycle = new Lifecycle(silentLog);
  running.push(lifecycle);
  const keys = keyMarks(keyring);
  announcePresence(lifecycle, { redis, prefix: service.prefix, role, keys, log: silentLog });
  await eventually(async () => (await readPresences(redis, service.prefix)).some((one) => one.role === role));
}
const wrappedBy = (keyId: string) =>
  database.asWorker(async (tx) => {
    const { rows } = await sql`select from sessions where key_id = ${keyId}`.execute(tx);
    return rows.length;
  });

it("tells how much each key holds, rotates, and says which key is needed no longer", async () => {
  await plantSealed(database, createVault([OLD]), { sessions: 25, ownApiIds: 3 });
  const dry = await run([NEW, OLD], "--dry-run");
  expect(dry).toMatchObject({ code: 0, stderr: "" });
  expect(dry.stdout).toMatch(
    /^key +in the keyring +sessions +own API IDs +encrypts in\nk2 +first +0 +0 +–?\s*\nk1 +yes +25 +3/,
  );
  expect(await wrappedBy("k2")).toBe(0);

  const ran = await run([NEW, OLD], "--batch", "4", "--json");
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(jsonOf<Told>(ran)).toMatchObject({
    rewrapped: { sessions: 25, ownApiIds: 3 },
    mayGo: ["k1"],
    keys: [
      { keyId: "k2", place: 1, sessions: 25, ownApiIds: 3 },
      { keyId: "k1", place: 2, sessions: 0 },
    ],
  });
  const again = await run([NEW, OLD]);
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(again.stdout).toContain("0 rows wrapped by k2\nno longer needed here: k1");
  // A keyring that lacks a needed key rotates nothing of it, and says so.
  const lacking = await run([OLD]);
  expect(lacking).toMatchObject({ code: 1, stderr: "" });
  expect(lacking.stdout).toContain("not in SESSION_ENCRYPTION_KEYS: k2 (25 sessions, 3 own API IDs)");
  expect(`${ran.stdout}${dry.stdout}`).not.toContain(NEW.key.toString("base64"));
});

it("is refused while a process runs that would open nothing any more", async () => {
  await start("worker", NEW, OLD);
  await start("bot", OLD);
  const lacking = await run([NEW, OLD]);
  expect(lacking).toMatchObject({ code: 1, stdout: "" });
  expect(lacking.stderr).toMatch(
    /^gramfleet: bot \d+ on \S+ lacks the key k2, and would open nothing any more: [^\n]+\n$/,
  );
  // It only looks.
  expect((await run([NEW, OLD], "--dry-run")).code).toBe(0);
  expect((await run([NEW, OLD], "--force")).code).toBe(0);
});

it("is refused with another key than the processes have under its name", async () => {
  const other = { id: "k3", key: randomBytes(32) };
  await start("worker", { id: "k3", key: randomBytes(32) }, NEW);
  const ran = await run([other, NEW]);
  expect(ran).toMatchObject({ code: 1, stdout: "" });
  expect(ran.stderr).toContain("has another key under the name k3");
  const mixedUp = await run([{ ...OLD, id: "k2" }], "--force");
  expect(mixedUp).toMatchObject({ code: 1, stdout: "" });
  expect(mixedUp.stderr).toContain("its key k2 is another one than the one that sealed them");
});

it("a key that a process still encrypts by may not go", async () => {
  await start("worker", OLD, NEW);
  const told = jsonOf<Told>(await run([NEW, OLD], "--json"));
  expect(told.mayGo).toEqual([]);
  expect(told.keys.find(({ keyId }) => keyId === "k1")?.encryptsIn).toEqual([expect.stringMatching(/^worker \d+ on /)]);
  expect((await run([NEW, OLD])).stdout).toMatch(
    /worker \d+ on \S+ still encrypts by k1: start it with the new key first/,
  );
});
