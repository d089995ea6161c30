import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadChannels, missingRanges, type Channel as StoredChannel } from "../../db/channels.ts";
import type { WorkerTx } from "../../db/database.ts";
import { deleteLease, listLeases } from "../../db/leases.ts";
import type { ChannelMessage } from "../../db/message.ts";
import { auditRows, streamMessages } from "../../db/stored-messages.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { Snooze } from "../../queue/outcome.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { type MortalProcess, mortalApi, mortalDatabase, runMortal } from "../support/mortal-process.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";
import { projectMessage } from "../support/world-projection.ts";

/*
 * Whatever happens on Telegram, whichever account reads it, and wherever a process is killed or cut off: in the end the database
 * says what Telegram says. Real GramJS over the wire, real PostgreSQL.
 *
 * PROPERTY_RUNS sets how many worlds are tried; PROPERTY_SEED and PROPERTY_PATH repeat one.
 */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 200);
const SEED = process.env.PROPERTY_SEED === undefined ? {} : { seed: Number(process.env.PROPERTY_SEED) };
const PATH = process.env.PROPERTY_PATH === undefined ? {} : { path: process.env.PROPERTY_PATH };

/** The least that Telegram serves of a difference, so that a few posts are several pages. */
const PAGE = 10;
/** Below this id the second account sees nothing of the private group. */
const HIDDEN_BELOW = 6;

let telegram: WireTelegram;
let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  telegram = await startWireTelegram();
  parsing = await startParsing({ pageSize: PAGE, backfillPagesPerJob: 3, through: mortalDatabase });
});
afterAll(async () => {
  await parsing?.close();
  await telegram?.close();
});

/** One thing that happens on Telegram. `pick` chooses among the channel's messages. */
interface Happening {
  readonly kind: "post" | "album" | "edit" | "attach" | "delete" | "pin" | "unpin" | "forget" | "clear";
  readonly channel: number;
  readonly pick: number;
}

/**
 * One thing that gramfleet does; `meanwhile` happens on Telegram during it. After `steps` it is killed, or its next
 * `outage` steps fail.
 */
interface Doing {
  readonly kind: "parse" | "backfill" | "both parse" | "parse and backfill";
  readonly account: number;
  readonly channel: number;
  readonly meanwhile: readonly Happening[];
  readonly steps: number | null;
  readonly outage: number | null;
}

const channel = fc.nat({ max: 2 });
const happening: fc.Arbitrary<Happening> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant("post" as const) },
    { weight: 4, arbitrary: fc.constant("edit" as const) },
    {
      weight: 8,
      arbitrary: fc.constantFrom("album", "attach", "delete", "pin", "unpin", "forget", "clear" as const),
    },
  ),
  channel,
  pick: fc.nat({ max: 40 }),
});
const doing: fc.Arbitrary<Doing> = fc.record({
  kind: fc.constantFrom("parse", "parse", "backfill", "both parse", "parse and backfill"),
  account: fc.nat({ max: 1 }),
  channel,
  meanwhile: fc.array(happening, { maxLength: 4 }),
  steps: fc.option(fc.integer({ min: 1, max: 40 })),
  outage: fc.option(fc.integer({ min: 1, max: 6 })),
});
const story = fc.array(fc.oneof({ weight: 3, arbitrary: happening }, { weight: 2, arbitrary: doing }), {
  minLength: 4,
  maxLength: 14,
});

let worlds = 0n;

/** Three channels and two accounts that follow them. The second joined the private group late, and one channel never. */
class SmallWorld {
  readonly channels: readonly WorldChannel[];
  readonly users: TestUser[] = [];
  readonly #connections: TelegramConnection[] = [];
  readonly #ids: readonly bigint[];
  readonly #seen = new Map<bigint, { pts: number; deleted: Set<number> }>();

  constructor() {
    worlds += 1n;
    const base = 1_500_000_000n + worlds * 10n;
    this.#ids = [6_000_000_000n + worlds * 2n, 6_000_000_001n + worlds * 2n];
    for (const [index, id] of this.#ids.entries()) {
      const phone = `99966${2 + index}${String(worlds).padStart(4, "0")}`;
      telegram.world.addUser({ id, phone, firstName: "Ada", username: null, dcId: 2, premium: false, password: null });
    }
    const kinds = [
      { id: base, username: `news_${worlds}`, megagroup: false, isPrivate: false },
      { id: base + 1n, username: null, megagroup: true, isPrivate: true },
      { id: base + 2n, username: `talk_${worlds}`, megagroup: true, isPrivate: false },
    ];
    this.channels = kinds.map((kind) => telegram.world.addChannel({ ...kind, title: "A channel", date: 1 }));
    const [early, late] = this.#ids as [bigint, bigint];
    for (const { id } of this.channels) telegram.world.join(early, id);
    for (const { id } of this.channels.slice(0, 2)) telegram.world.join(late, id);
    for (const each of this.channels) for (let count = 0; count < 12; count += 1) this.#post(each, null);
    this.channels[1]?.availableMinId.set(late, HIDDEN_BELOW);
  }

  async begin(): Promise<void> {
    const names = this.channels.map(({ id, username }) => username ?? id.toString());
    for (const id of this.#ids) {
      const connection = await connect(telegram.options(await telegram.planted(id)));
      this.#connections.push(connection);
      this.users.push(await parsing.addUser(id, mortalApi(connection.api), names));
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  happen({ kind, channel: index, pick }: Happening): void {
    const { world } = telegram;
    const at = this.channels[index] as WorldChannel;
    const living = [...at.messages.values()];
    const picked = living[pick % Math.max(1, living.length)];
    switch (kind) {
      case "post":
        for (let count = 0; count <= pick % 14; count += 1) this.#post(at, null);
        return;
      case "album":
        for (let count = 0; count < 3; count += 1) this.#post(at, BigInt(at.topId + 1_000 * (pick + 1)));
        return;
      case "forget":
        at.events.splice(0, Math.max(1, at.events.length - (pick % 3)));
        return;
      case "clear":
        // The late one empties the private group for itself: Telegram lets nobody see that of their own past again.
        if (index === 1) at.availableMinId.set(this.#ids[1] as bigint, Math.max(HIDDEN_BELOW, at.topId - (pick % 20)));
        return;
    }
    if (!picked) return;
    switch (kind) {
      case "edit":
        world.edit(at.id, picked.id, { message: `edited ${at.pts}` });
        return;
      case "attach":
        // A preview comes a moment after the post, without an edit date.
        world.edit(at.id, picked.id, {
          editDate: picked.editDate,
          media: {
            kind: "web_page",
            url: `https://example.org/${at.pts}`,
            title: null,
            description: null,
            siteName: null,
          },
        });
        return;
      case "delete":
        world.remove(at.id, [picked.id, picked.id + 1]);
        return;
      case "pin":
      case "unpin":
        world.pin(at.id, [picked.id], kind === "pin");
    }
  }

  async do({ kind, account, channel: index, meanwhile, steps, outage }: Doing): Promise<void> {
    const happenings = [...meanwhile];
    const mortal = (stepsLeft: number | null): MortalProcess => ({
      stepsLeft,
      outage,
      meanwhile: () => {
        parsing.clock.pass(1);
        const next = happenings.shift();
        if (next) this.happen(next);
      },
    });
    const user = this.users[account] as TestUser;
    const other = this.users[1 - account] as TestUser;
    const { id } = this.channels[index] as WorldChannel;
    const parse = (by: TestUser, until: number | null) => runMortal(mortal(until), () => parsing.parse(by));
    const backfill = (by: TestUser, until: number | null) =>
      runMortal(mortal(until), () => parsing.backfill(by, id)).catch(goesOnLater);
    switch (kind) {
      case "parse":
        await parse(user, steps);
        break;
      case "backfill":
        await backfill(user, steps);
        break;
      case "both parse":
        await Promise.all([parse(user, steps), parse(other, null)]);
        break;
      case "parse and backfill":
        await Promise.all([parse(user, null), backfill(other, steps)]);
    }
    await forgetTheDead();
    await this.check();
  }

  /** Both parse once more, and all that is missing is read. */
  async comeToRest(): Promise<void> {
    for (const user of this.users) await parsing.parse(user);
    for (const user of this.users) {
      for (const { id } of this.channels) {
        const stored = await parsing.channel(id);
        if (stored && missingRanges(stored, stored.topMessageId).length === 0) continue;
        for (let snoozes = 0; ; snoozes += 1) {
          expect(snoozes).toBeLessThan(100);
          const goesOn = await parsing.backfill(user, id).then(() => false, goesOnLater);
          if (!goesOn) break;
        }
      }
    }
  }

  /** What must hold at any time: nothing moves back, and what the ledger vouches for under Telegram's pts is so. */
  async check(atRest = false): Promise<void> {
    // One transaction for all: it is looked at often.
    const looks = await parsing.database.asWorker(async (tx) => {
      const stored = await loadChannels(
        tx,
        this.channels.map(({ id }) => id),
      );
      const found: Look[] = [];
      for (const each of stored)
        found.push({ stored: each, rows: await auditRows(tx, each.id), living: await livingRows(tx, each.id) });
      return new Map(found.map((look) => [look.stored.id, look]));
    });
    if (atRest) expect(looks.size).toBe(this.channels.length);
    for (const told of this.channels) {
      const look = looks.get(told.id);
      if (look) this.#checkChannel(told, look, atRest);
    }
  }

  #checkChannel(told: WorldChannel, { stored, rows, living }: Look, atRest: boolean): void {
    const deleted = new Set(rows.filter((row) => row.deleted).map((row) => row.id));
    const before = this.#seen.get(told.id);
    this.#seen.set(told.id, { pts: stored.pts ?? 0, deleted });
    if (before) {
      expect(stored.pts ?? 0).toBeGreaterThanOrEqual(before.pts);
      expect([...before.deleted].filter((id) => !deleted.has(id))).toEqual([]);
    }
    expect([...deleted].filter((id) => told.messages.has(id))).toEqual([]);
    expect(rows.filter(({ id, versions }) => versions > (told.edits.get(id) ?? 0))).toEqual([]);

    const missing = missingRanges(stored, stored.topMessageId);
    if (atRest) expect({ pts: stored.pts, missing }).toEqual({ pts: told.pts, missing: [] });
    if (stored.pts !== told.pts) return;
    const vouched = (id: number) => !missing.some(({ from, to }) => from <= id && id <= to);
    const expected = [...told.messages.values()].filter(({ id }) => vouched(id)).sort((a, b) => a.id - b.id);
    const found = living.filter(({ id }) => vouched(id));
    expect(found.map(exact)).toEqual(expected.map((message) => exact(projectMessage(told.id, message))));
  }

  #post(at: WorldChannel, groupedId: bigint | null): void {
    const date = Math.floor(Date.now() / 1_000);
    telegram.world.post(at.id, { ...plainPost(`post ${at.topId + 1} of ${at.id}`, date), groupedId });
  }
}

interface Look {
  readonly stored: StoredChannel;
  readonly rows: Awaited<ReturnType<typeof auditRows>>;
  readonly living: readonly ChannelMessage[];
}

/** Views, forwards and reactions are "as of some time", and no promise. */
const exact = ({ stats: _, ...message }: ChannelMessage) => message;

async function livingRows(tx: WorkerTx, channelId: bigint): Promise<ChannelMessage[]> {
  const found: ChannelMessage[] = [];
  for await (const batch of streamMessages(tx, channelId))
    found.push(...batch.map(({ deletedAt: _d, statsAt: _s, revision: _r, ...message }) => message));
  return found;
}

/** The time after which leases and claims of killed processes are void. */
async function forgetTheDead(): Promise<void> {
  parsing.clock.pass(5);
  await parsing.database.asWorker(async (tx) => {
    for (const lease of await listLeases(tx)) await deleteLease(tx, lease);
    await tx.deleteFrom("channel_claims").execute();
  });
}

function goesOnLater(error: unknown): true {
  if (error instanceof Snooze) return true;
  throw error;
}

it("says in the end what Telegram says", { timeout: 60_000 + RUNS * 4_000 }, async () => {
  const equals = fc.asyncProperty(story, async (steps) => {
    const world = new SmallWorld();
    try {
      await world.begin();
      for (const each of steps) {
        if ("steps" in each) await world.do(each);
        else world.happen(each);
      }
      await world.comeToRest();
      await world.check(true);
    } finally {
      await world.end();
    }
  });
  await fc.assert(equals, { numRuns: RUNS, endOnFailure: process.env.PROPERTY_SHRINK === undefined, ...SEED, ...PATH });
});
