import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { askRevocation } from "../../db/revocations.ts";
import { makeDue } from "../../db/schedules.ts";
import { listSessions, sessionEvents, setHold } from "../../db/sessions.ts";
import { setPaused } from "../../db/users.ts";
import type { ControlAccount } from "../../emulator/control-protocol.ts";
import type { Faults } from "../../emulator/dc/faults.ts";
import type { Emulator } from "../../emulator/start.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { revokeJob } from "../../queue/revoke-job.ts";
import { silentLog } from "../../runtime/log.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });
const DIALOGS = "messages.GetPeerDialogs";
/** What is promised. */
const DISCONNECTED_WITHIN_MS = 10_000;

interface World {
  readonly emulator: Emulator;
  readonly fleet: RunningFleet;
  readonly producer: Producer;
  readonly keys: ReadonlyMap<bigint, bigint>;
  close(): Promise<void>;
}

/** Parses of these accounts stand still in the middle of a call, until the test says otherwise. */
const held = new Map<bigint, { readonly reached: () => void; readonly released: Promise<void> }>();
const faults: Faults = {
  async beforeAnswer(request, { key }) {
    const hold = request.className === DIALOGS ? held.get(key.accountId ?? 0n) : undefined;
    if (hold) hold.reached();
    await hold?.released;
    return undefined;
  },
};

async function start(env: Record<string, string> = {}): Promise<World> {
  const emulator = await startTestEmulator({ users: 5, channels: 2, faults });
  const fleet = await prepareFleet(emulator, { workers: 2, env });
  await fleet.seed(emulator.accounts);
  await fleet.start();
  await fleet.parseEverybody();
  const redis = openRedis(fleet.config.redisUrl ?? "", "producer");
  const producer = createProducer({ redis, prefix: fleet.config.redisPrefix, log: silentLog });
  const keys = new Map(
    emulator.accounts.map(({ telegramId }) => [telegramId, emulator.keys.ofAccount(telegramId)[0]?.keyId ?? 0n]),
  );
  return {
    ...{ emulator, fleet, producer, keys },
    async close() {
      await producer.close();
      redis.disconnect();
      await fleet.close();
      await emulator.close();
    },
  };
}

const account = ({ emulator }: World, index: number) => emulator.accounts[index] as ControlAccount;
async function sessionOf({ fleet }: World, { telegramId }: ControlAccount) {
  const sessions = await fleet.database.inTenant("default", (tx) => listSessions(tx));
  const found = sessions.find((session) => session.telegramId === telegramId);
  if (!found) throw new Error(`no session of ${telegramId}`);
  return found;
}
const keyColumns = ({ fleet }: World, id: bigint) =>
  fleet.database.asOwner((tx) =>
    tx
      .selectFrom("sessions")
      .select(["ciphertext", "wrapped_key", "key_id", "fingerprint"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow(),
  );
const NO_KEY = { ciphertext: null, wrapped_key: null, key_id: null, fingerprint: null };
/** The key that an account was planted with: logged out, it is nobody's. */
const keyOf = ({ keys }: World, { telegramId }: ControlAccount): bigint => keys.get(telegramId) ?? 0n;
const openConnections = (world: World, whom: ControlAccount) =>
  world.emulator.witness.connectionsOf(keyOf(world, whom)).filter(({ closedAt }) => closedAt === null);
const callsOf = (world: World, whom: ControlAccount) =>
  world.emulator.witness.calls().filter(({ keyId }) => keyId === keyOf(world, whom));
const logOuts = (world: World, whom: ControlAccount) =>
  callsOf(world, whom).flatMap(({ method, outcome }) => (method === "auth.LogOut" ? outcome : []));

/** A parse of theirs stands in the middle of a call, over this connection, until it is released. */
async function standInParse(world: World, whom: ControlAccount) {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => held.set(whom.telegramId, { reached: resolve, released }));
  const { userId } = await sessionOf(world, whom);
  await world.fleet.database.asWorker((tx) => makeDue(tx, [userId]));
  await reached;
  const [connection, ...more] = openConnections(world, whom);
  expect(more).toEqual([]);
  return {
    isClosed: () => connection !== undefined && connection.closedAt !== null,
    release() {
      held.delete(whom.telegramId);
      release();
    },
  };
}

/** As api, bot and command line ask for it. */
async function revoke(world: World, whom: ControlAccount): Promise<void> {
  const session = await sessionOf(world, whom);
  await world.fleet.database.inTenant("default", (tx) => askRevocation(tx, session.id, "asked"));
  await world.producer.add(revokeJob(session, new Date()));
}
const isRevoked = async (world: World, whom: ControlAccount) => (await sessionOf(world, whom)).state === "REVOKED";

describe("a session that is revoked while a parse stands in the middle of a call", () => {
  let world: World;
  beforeAll(async () => {
    world = await start();
  });
  afterAll(() => world?.close());

  it("is let go by its worker within 10 s, logged out at Telegram, and its key is gone", async () => {
    const whom = account(world, 0);
    const parse = await standInParse(world, whom);
    const { id } = await sessionOf(world, whom);
    expect((await keyColumns(world, id)).ciphertext).not.toBeNull();
    await revoke(world, whom);
    await eventually(parse.isClosed, { timeoutMs: DISCONNECTED_WITHIN_MS });
    await eventually(() => isRevoked(world, whom));
    parse.release();
    expect(logOuts(world, whom)).toEqual(["ok"]);
    expect(await keyColumns(world, id)).toEqual(NO_KEY);
    expect(await sessionOf(world, whom)).toMatchObject({ state: "REVOKED", reason: "asked", holds: [] });
    expect(world.emulator.keys.ofAccount(whom.telegramId)).toEqual([]);
    await eventually(() => openConnections(world, whom).length === 0);
  });

  it("is let go by a process that nobody has told, too", async () => {
    const whom = account(world, 1);
    const parse = await standInParse(world, whom);
    const { id } = await sessionOf(world, whom);
    // Its row and its hold, without the hint.
    await world.fleet.database.asWorker(async (tx) => {
      await sql`
        insert into session_revocations (session_id, tenant_id, reason) values (${id}, 'default', 'asked')`.execute(tx);
      await setHold(tx, id, "revoking", true);
    });
    await eventually(parse.isClosed, { timeoutMs: DISCONNECTED_WITHIN_MS });
    parse.release();
    await world.producer.add(revokeJob(await sessionOf(world, whom), new Date()));
    await eventually(() => isRevoked(world, whom));
    expect(logOuts(world, whom)).toEqual(["ok"]);
    expect(await keyColumns(world, id)).toEqual(NO_KEY);
  });

  it("asked for many times is logged out once", async () => {
    const whom = account(world, 2);
    const { id } = await sessionOf(world, whom);
    await Promise.all(Array.from({ length: 8 }, () => revoke(world, whom)));
    await eventually(() => isRevoked(world, whom));
    expect(logOuts(world, whom)).toEqual(["ok"]);
    const events = await world.fleet.database.asWorker((tx) => sessionEvents(tx, id));
    expect(events.filter(({ toState }) => toState === "REVOKED")).toHaveLength(1);
  });

  it("one that may be in use elsewhere is not called with: its key is deleted here", async () => {
    const whom = account(world, 3);
    const { id } = await sessionOf(world, whom);
    await world.fleet.database.asWorker((tx) => setHold(tx, id, "parked", true));
    const before = callsOf(world, whom).length;
    await revoke(world, whom);
    await eventually(() => isRevoked(world, whom));
    expect((await sessionOf(world, whom)).reason).toBe("asked, not logged out");
    expect(await keyColumns(world, id)).toEqual(NO_KEY);
    expect(callsOf(world, whom)).toHaveLength(before);
  });

  it("killed no key", () => {
    expect(world.emulator.summary()).toMatchObject({ violations: 0, keysKilled: 0 });
  });
});

it("where revocations are not heeded, the parse keeps its connection for as long as its call lasts; idle sessions go", async () => {
  const world = await start({ FAULTS_WITHOUT: "revocation", TIMES_DIVISOR: "5" });
  try {
    const whom = account(world, 0);
    const parse = await standInParse(world, whom);
    await revoke(world, whom);
    // The job has met the parse's lease more than once, and what would have been heard was said before it.
    const lookedInVain = async () => {
      const { rows } = await world.fleet.database.asOwner((tx) =>
        sql<{ beat: bigint }>`select beat from leases`.execute(tx),
      );
      return rows.some(({ beat }) => beat >= 1n);
    };
    await eventually(lookedInVain);
    expect(parse.isClosed()).toBe(false);
    expect(logOuts(world, whom)).toEqual([]);
    expect((await sessionOf(world, whom)).state).toBe("AUTHORIZED");
    parse.release();
    await eventually(() => isRevoked(world, whom));
    expect(logOuts(world, whom)).toEqual(["ok"]);

    // The same fleet, for its times are short: a session that nothing uses is found by the scheduler.
    const idle = account(world, 1);
    const { id, userId } = await sessionOf(world, idle);
    await world.fleet.database.inTenant("default", (tx) => setPaused(tx, idle.telegramId, true));
    await world.fleet.database.asWorker((tx) =>
      sql`update sessions set used_at = now() - interval '31 days', state_changed_at = now() - interval '31 days'
        where user_id = ${userId}`.execute(tx),
    );
    await eventually(() => isRevoked(world, idle), { timeoutMs: 60_000 });
    expect(await sessionOf(world, idle)).toMatchObject({ id, reason: "idle" });
    expect(logOuts(world, idle)).toEqual(["ok"]);
    expect(await keyColumns(world, id)).toEqual(NO_KEY);
  } finally {
    await world.close();
  }
});
