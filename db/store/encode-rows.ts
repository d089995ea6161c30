import { binaryArray } from "../binary-array.ts";
import type { ChannelMessage } from "../message.ts";
import { toStorable } from "../storable.ts";
import { COLUMNS, type Column, NAMES } from "./columns.ts";
import { soundParts } from "./sound.ts";

/** Rows on their way to PostgreSQL. */
export interface EncodedRows {
  /** An array for each of the columns, in their order; null where no row has a value. */
  readonly arrays: readonly (Buffer | null)[];
  /** The bytes of each row. */
  readonly sizes: Float64Array;
  readonly repaired: readonly Repaired[];
}

/** A message that is stored otherwise than it came, and how. */
export interface Repaired {
  readonly id: number;
  readonly reason: string;
}

const UNSTORABLE = "stored, with U+FFFD for characters that PostgreSQL cannot hold";

/** How `JSON.stringify` writes U+0000 and lone surrogates (also what merely looks like it: then nothing is replaced). */
const UNSTORABLE_ESCAPES = /\\u0000|\\ud[89a-f]/;
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** Each column's value of a message: null, false and empty count as nothing. */
const VALUES: { readonly [C in Column]: (message: ChannelMessage) => unknown } = {
  id: ({ id }) => id,
  kind: ({ kind }) => kind,
  date: ({ date }) => date.getTime() / 1000,
  edit_date: ({ editDate }) => (editDate === null ? null : editDate.getTime() / 1000),
  edit_hidden: ({ editHidden }) => editHidden || null,
  text: ({ text }) => text,
  entities: ({ entities }) => (entities.length > 0 ? entities : null),
  media: ({ media }) => media,
  grouped_id: ({ groupedId }) => groupedId,
  forward: ({ forward }) => forward,
  reply: ({ reply }) => reply,
  from_peer: ({ from }) => from,
  author: ({ author }) => author,
  via_bot_id: ({ viaBotId }) => viaBotId,
  pinned: ({ pinned }) => pinned || null,
  silent: ({ silent }) => silent || null,
  no_forwards: ({ noForwards }) => noForwards || null,
  service: ({ service }) => service,
  views: ({ stats }) => stats.views,
  forwards: ({ stats }) => stats.forwards,
  replies: ({ stats }) => stats.replies,
  reactions: ({ stats }) => stats.reactions,
  poll_results: ({ stats }) => stats.pollResults,
};

/** A message as it goes into its columns, in their order. */
interface WrittenRow {
  /** Text and documents as they are stored, everything else as it is. */
  readonly values: readonly unknown[];
  readonly faults: readonly string[];
}

/** Written already: a message does not change. */
const written = new WeakMap<ChannelMessage, WrittenRow>();

/**
 * Writes what {@link encodeRows} will need of these messages, which is most of its work: for whoever has a moment before they
 * are stored, as while the next page is on its way. Never throws: what cannot be written is met again when it is stored.
 */
export function prepareRows(messages: readonly ChannelMessage[]): void {
  try {
    for (const message of messages) if (!written.has(message)) written.set(message, writtenRow(message));
  } catch {
    // Said there.
  }
}

/**
 * A page as an array for each column. What is not sound in a message is left out, and the message named in `repaired`.
 * Offsets of entities stay good: each character that PostgreSQL cannot hold (U+0000, lone surrogates) is replaced by one
 * of the same length, U+FFFD.
 */
export function encodeRows(messages: readonly ChannelMessage[]): EncodedRows {
  const rows = messages.map((message) => written.get(message) ?? writtenRow(message));
  const sizes = new Float64Array(messages.length);
  const arrays = NAMES.map((name, column) =>
    binaryArray(
      COLUMNS[name],
      rows.map((row) => row.values[column]),
      sizes,
    ),
  );
  const repaired = rows.flatMap(({ faults }, index) => faults.map((reason) => ({ id: messages[index]!.id, reason })));
  return { arrays, sizes, repaired };
}

function writtenRow(message: ChannelMessage): WrittenRow {
  const { entities, fault } = soundParts(message);
  const sound = entities === message.entities ? message : { ...message, entities };
  const faults = fault === null ? [] : [fault];
  const values = NAMES.map((name) => {
    const type = COLUMNS[name];
    const value = VALUES[name](sound);
    if (value === null || (type !== "text" && type !== "jsonb")) return value;
    const text = type === "text" ? (value as string) : JSON.stringify(value);
    if (type === "text" ? isStorable(text) : !UNSTORABLE_ESCAPES.test(text)) return text;
    const storable = type === "text" ? toStorable(text) : JSON.stringify(value, storableStrings);
    if (storable !== text && !faults.includes(UNSTORABLE)) faults.push(UNSTORABLE);
    return storable;
  });
  return { values, faults };
}

const storableStrings = (_: string, value: unknown): unknown => (typeof value === "string" ? toStorable(value) : value);
