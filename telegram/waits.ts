import type { Database } from "../db/database.ts";
import { recordWait, type Wait } from "../db/waits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";
import { msRemaining, type WaitEnd, waitEndAfter, waitEndFromServer } from "./waits/remaining.ts";

/** A wait as it is kept: for a method, or for a method in one chat (`chatId` other than 0n). */
interface WaitKey {
  readonly telegramId: bigint;
  readonly method: string;
  readonly chatId: bigint;
}

export interface RunningWait {
  readonly until: Date;
  /** Whether it holds the method everywhere, or in this chat only. */
  readonly scope: "method" | "chat";
}

/**
 * The waits that Telegram asked accounts for. Kept in PostgreSQL, so that they outlive every process, and in memory,
 * so that they can be asked synchronously before a write. Not fenced by the lease: a wait holds whoever asks next.
 */
export interface WaitLedger {
  /**
   * Takes in what PostgreSQL knows of an account. To be read under the lease, before the account's first call.
   *
   * @param serverNow PostgreSQL's clock when they were read
   */
  learn(waits: readonly Wait[], serverNow: Date): void;
  /** The wait that holds this call longest, null where none does. */
  check(telegramId: bigint, method: string, chatId?: bigint): RunningWait | null;
  /**
   * Notes a wait of `seconds` from now, at once in memory, then in PostgreSQL; where that does not answer it goes on
   * trying in the background. Never shortens a wait. Gives the end.
   */
  record(wait: WaitKey & { readonly seconds: number }): Promise<Date>;
  /** Tries once more to save what is not saved. */
  close(): Promise<void>;
}

const SWEEP_EVERY_MS = 60_000;

export function createWaitLedger(options: {
  database: Database;
  clock: Clock;
  log: Log;
  retryMs?: number;
}): WaitLedger {
  const { database, clock, log } = options;
  const accounts = new Map<bigint, Map<string, WaitEnd>>();
  const unsaved = new Map<string, { key: WaitKey; end: WaitEnd }>();
  const closing = new AbortController();
  let saving: Promise<void> | null = null;
  let sweptAt = clock.monotonic();

  const nameOf = (method: string, chatId: bigint) => `${method} ${chatId}`;
  const dateOf = (end: WaitEnd) => new Date(clock.now() + msRemaining(end, clock));

  function note(key: WaitKey, end: WaitEnd): WaitEnd {
    const waits = accounts.get(key.telegramId) ?? new Map<string, WaitEnd>();
    accounts.set(key.telegramId, waits);
    const name = nameOf(key.method, key.chatId);
    const later = Math.max(waits.get(name) ?? end, end);
    waits.set(name, later);
    return later;
  }

  function remainingOf(waits: Map<string, WaitEnd>, name: string): number {
    const end = waits.get(name);
    const left = end ? msRemaining(end, clock) : 0;
    if (left === 0) waits.delete(name);
    return left;
  }

  /** Waits that are over leave memory, so that the ledger does not grow with every account ever met. */
  function sweep(): void {
    if (clock.monotonic() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = clock.monotonic();
    for (const [telegramId, waits] of accounts) {
      for (const [name, end] of waits) if (msRemaining(end, clock) === 0) waits.delete(name);
      if (waits.size === 0) accounts.delete(telegramId);
    }
  }

  async function save(key: WaitKey, end: WaitEnd): Promise<void> {
    const seconds = Math.ceil(msRemaining(end, clock) / 1000);
    if (seconds === 0) return;
    const processUntil = dateOf(end);
    await database.once((tx) => recordWait(tx, { ...key, seconds, processUntil }));
  }

  async function saveUnsaved(): Promise<void> {
    for (const [name, { key, end }] of [...unsaved]) {
      await save(key, end);
      if (unsaved.get(name)?.end === end) unsaved.delete(name);
    }
  }

  async function keepSaving(): Promise<void> {
    while (unsaved.size > 0 && !closing.signal.aborted) {
      await sleep(options.retryMs ?? 1_000, closing.signal);
      await saveUnsaved().catch(() => undefined);
    }
    saving = null;
  }

  return {
    learn(waits, serverNow) {
      sweep();
      for (const wait of waits) note(wait, waitEndFromServer(clock, wait, serverNow));
    },
    check(telegramId, method, chatId = 0n) {
      const waits = accounts.get(telegramId);
      if (!waits) return null;
      const here = remainingOf(waits, nameOf(method, chatId));
      const everywhere = chatId === 0n ? here : remainingOf(waits, nameOf(method, 0n));
      if (waits.size === 0) accounts.delete(telegramId);
      const longest = Math.max(here, everywhere);
      if (longest === 0) return null;
      return { until: new Date(clock.now() + longest), scope: longest === everywhere ? "method" : "chat" };
    },
    async record({ telegramId, method, chatId, seconds }) {
      const key = { telegramId, method, chatId };
      const end = note(key, waitEndAfter(clock, seconds));
      try {
        await save(key, end);
      } catch (error) {
        unsaved.set(`${telegramId} ${nameOf(method, chatId)}`, { key, end });
        log.warn({ err: error, user_telegram_id: String(telegramId), method, seconds }, "wait not saved yet");
        saving ??= keepSaving();
      }
      return dateOf(end);
    },
    async close() {
      closing.abort();
      await saving;
      await saveUnsaved().catch((error) => log.error({ err: error, waits: unsaved.size }, "waits not saved"));
    },
  };
}
