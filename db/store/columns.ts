import { sql } from "kysely";
import type { ChannelMessage } from "../message.ts";
import { toStorable } from "../storable.ts";
import { soundParts } from "./sound.ts";

/** A message's own columns and the types in which a page brings them; dates travel as seconds since the epoch. */
const COLUMNS = {
  id: "int4",
  kind: "text",
  date: "float8",
  edit_date: "float8",
  edit_hidden: "bool",
  text: "text",
  entities: "jsonb",
  media: "jsonb",
  grouped_id: "int8",
  forward: "jsonb",
  reply: "jsonb",
  from_peer: "jsonb",
  author: "text",
  via_bot_id: "int8",
  pinned: "bool",
  silent: "bool",
  no_forwards: "bool",
  service: "jsonb",
  views: "int4",
  forwards: "int4",
  replies: "int4",
  reactions: "jsonb",
  poll_results: "jsonb",
} as const;

type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];

/** An edit: its older form is kept as a version. */
export const CONTENT = ["text", "entities", "media"] as const satisfies readonly Column[];
/** Change without a pts; as of `stats_at`. */
export const STATS = ["views", "forwards", "replies", "reactions", "poll_results"] as const satisfies readonly Column[];
/** The rest of what can change: taken with a difference or a later edit, without a version. */
export const ATTRIBUTES = NAMES.filter(
  (name) => name !== "id" && name !== "edit_date" && ![...CONTENT, ...STATS].some((other) => other === name),
);

/** A column's value as `i`, the incoming row, brings it. Nulls and falses are not sent, to keep pages small. */
const incoming = (name: Column): string => {
  if (COLUMNS[name] === "float8") return `to_timestamp(i.${name})`;
  if (COLUMNS[name] === "bool") return `coalesce(i.${name}, false)`;
  return `i.${name}`;
};

/** `select …` with every column under its own name, from a JSON parameter that `encodeRows` made. */
export const incomingRows = (json: string) => sql`
  select ${sql.raw(NAMES.map((name) => `${incoming(name)} as ${name}`).join(", "))}
  from json_to_recordset(${json}::json) as i(${sql.raw(NAMES.map((name) => `${name} ${COLUMNS[name]}`).join(", "))})`;

/** `a.x, a.y, …` */
export const columnsOf = (alias: string, names: readonly Column[] = NAMES) =>
  sql.raw(names.map((name) => `${alias}.${name}`).join(", "));
export const columnNames = (names: readonly Column[] = NAMES) => sql.raw(names.join(", "));
/** `x = a.x, y = a.y, …` */
export const assignments = (alias: string, names: readonly Column[]) =>
  sql.raw(names.map((name) => `${name} = ${alias}.${name}`).join(", "));
/** Every column that a later form of the message replaces. */
export const REPLACED = NAMES.filter((name) => name !== "id");

/**
 * A page as one JSON document: PostgreSQL reads it as fast as it reads a parameter for each column, and JavaScript
 * writes it in half the time. What is not sound in a message is left out, and the message named in `repaired`.
 * Offsets of entities stay good: each character that PostgreSQL cannot hold (U+0000, lone surrogates) is replaced by one
 * of the same length, U+FFFD.
 */
export function encodeRows(messages: readonly ChannelMessage[]): { json: string; repaired: Repaired[] } {
  const repaired: Repaired[] = [];
  const rows = messages.map((message) => {
    const { entities, fault } = soundParts(message);
    if (fault !== null) repaired.push({ id: message.id, reason: fault });
    const row = toRow(message, entities);
    const json = JSON.stringify(row);
    if (!UNSTORABLE_ESCAPES.test(json)) return json;
    const storable = JSON.stringify(row, (_, value: unknown) =>
      typeof value === "string" ? toStorable(value) : value,
    );
    if (storable !== json) repaired.push({ id: message.id, reason: UNSTORABLE });
    return storable;
  });
  return { json: `[${rows.join(",")}]`, repaired };
}

/** A message that is stored otherwise than it came, and how. */
export interface Repaired {
  readonly id: number;
  readonly reason: string;
}

const UNSTORABLE = "stored, with U+FFFD for characters that PostgreSQL cannot hold";

/** How `JSON.stringify` writes U+0000 and lone surrogates (also what merely looks like it: then nothing is replaced). */
const UNSTORABLE_ESCAPES = /\\u0000|\\ud[89a-f]/;

type Row = Partial<Record<Column, unknown>>;

/** What is null, false or empty is left out: a missing key reads as null, and `coalesce` makes it false. */
function toRow(message: ChannelMessage, entities: ChannelMessage["entities"]): Row {
  return {
    id: message.id,
    kind: message.kind,
    date: message.date.getTime() / 1000,
    edit_date: message.editDate === null ? undefined : message.editDate.getTime() / 1000,
    edit_hidden: message.editHidden || undefined,
    text: message.text,
    entities: entities.length > 0 ? entities : undefined,
    media: message.media ?? undefined,
    grouped_id: message.groupedId?.toString(),
    forward: message.forward ?? undefined,
    reply: message.reply ?? undefined,
    from_peer: message.from ?? undefined,
    author: message.author ?? undefined,
    via_bot_id: message.viaBotId?.toString(),
    pinned: message.pinned || undefined,
    silent: message.silent || undefined,
    no_forwards: message.noForwards || undefined,
    service: message.service ?? undefined,
    views: message.stats.views ?? undefined,
    forwards: message.stats.forwards ?? undefined,
    replies: message.stats.replies ?? undefined,
    reactions: message.stats.reactions ?? undefined,
    poll_results: message.stats.pollResults ?? undefined,
  };
}
