import { createHash } from "node:crypto";
import type { Database } from "../../db/database.ts";
import { auditRows } from "../../db/messages.ts";

/** What is on the emulated Telegram in one channel. */
export interface ChannelTruth {
  readonly id: bigint;
  readonly messages: readonly { readonly id: number; readonly textDigest: string; readonly edits: number }[];
  readonly deleted: readonly number[];
}

/** A channel as it should be stored: what at least one subscriber may see, and how deep the best plan reaches. */
export interface Expectation {
  readonly truth: ChannelTruth;
  /** The lowest id that some subscriber's account may see. */
  readonly visibleFrom: number;
  /** How many of the newest messages are within the plan's depth; null: all. */
  readonly depth: number | null;
}

export interface Audit {
  /** Posts, edits and deletions that Telegram has and the database has not. */
  readonly lost: number;
  /** Rows and versions beyond what Telegram has. */
  readonly doubled: number;
  /** The first few of both, for people. */
  readonly examples: readonly string[];
}

export interface StoredRow {
  readonly id: number;
  readonly deleted: boolean;
  readonly versions: number;
  readonly textDigest: string;
}

/** Compares one channel's rows with what is on Telegram. Pure. */
export function auditChannel(expected: Expectation, rows: readonly StoredRow[]): Audit {
  const stored = new Map(rows.map((row) => [row.id, row]));
  const examples: string[] = [];
  const note = (id: number, what: string) => examples.push(`channel ${expected.truth.id} message ${id}: ${what}`);
  let lost = 0;
  let doubled = 0;
  const newestFirst = [...expected.truth.messages].sort((a, b) => b.id - a.id);
  const visible = newestFirst
    .slice(0, expected.depth ?? newestFirst.length)
    .filter((m) => m.id >= expected.visibleFrom);
  for (const message of visible) {
    const row = stored.get(message.id);
    const problem = !row
      ? "not stored"
      : row.deleted
        ? "marked deleted, but is there"
        : row.textDigest !== message.textDigest
          ? "text differs"
          : null;
    if (problem) {
      lost += 1;
      note(message.id, problem);
    }
  }
  const living = new Map(expected.truth.messages.map((message) => [message.id, message]));
  const gone = new Set(expected.truth.deleted);
  for (const row of rows) {
    const message = living.get(row.id);
    if (!message && !gone.has(row.id)) {
      doubled += 1;
      note(row.id, "was never on Telegram");
    } else if (!message && !row.deleted) {
      lost += 1;
      note(row.id, "deletion not marked");
    } else if (message && row.versions > message.edits) {
      doubled += row.versions - message.edits;
      note(row.id, `${row.versions} versions of ${message.edits} edits`);
    }
  }
  return { lost, doubled, examples: examples.slice(0, 10) };
}

/** Audits all channels, one after the other. */
export async function auditAll(database: Database, expectations: readonly Expectation[]): Promise<Audit> {
  let lost = 0;
  let doubled = 0;
  const examples: string[] = [];
  for (const expected of expectations) {
    const rows = await database.asWorker((tx) => auditRows(tx, expected.truth.id));
    const one = auditChannel(
      expected,
      rows.map((row) => ({ ...row, textDigest: digestOf(row.text) })),
    );
    lost += one.lost;
    doubled += one.doubled;
    examples.push(...one.examples);
  }
  return { lost, doubled, examples: examples.slice(0, 10) };
}

const digestOf = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");
