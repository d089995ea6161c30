import { type RawBuilder, sql } from "kysely";
import type { ArrayType } from "../binary-array.ts";

/** A message's own columns and the types in which a page brings them; dates travel as seconds since the epoch. */
export const COLUMNS = {
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
} as const satisfies Readonly<Record<string, ArrayType>>;

export type Column = keyof typeof COLUMNS;
export const NAMES = Object.keys(COLUMNS) as Column[];

/** An edit: its older form is kept as a version. */
export const CONTENT = ["text", "entities", "media"] as const satisfies readonly Column[];
/** Change without a pts; as of `stats_at`. */
export const STATS = ["views", "forwards", "replies", "reactions", "poll_results"] as const satisfies readonly Column[];
/** The rest of what can change: taken with a difference or a later edit, without a version. */
export const ATTRIBUTES = NAMES.filter(
  (name) => name !== "id" && name !== "edit_date" && ![...CONTENT, ...STATS].some((other) => other === name),
);

/** A column's value as `i`, the incoming row, brings it. Falses are not sent, to keep pages small. */
const incoming = (name: Column): string => {
  if (COLUMNS[name] === "float8") return `to_timestamp(i.${name})`;
  if (COLUMNS[name] === "bool") return `coalesce(i.${name}, false)`;
  return `i.${name}`;
};

const SELECTED = sql.raw(NAMES.map((name) => `${incoming(name)} as ${name}`).join(", "));
const ALIASES = sql.raw(NAMES.join(", "));
const TYPES = NAMES.map((name) => sql.raw(`${COLUMNS[name]}[]`));

/** `select …` with every column under its own name, from the arrays that `encodeRows` made: one text, however many rows. */
export const incomingRows = (arrays: readonly (Buffer | null)[]): RawBuilder<unknown> => sql`
  select ${SELECTED}
  from unnest(${sql.join(arrays.map((array, index) => sql`${array}::${TYPES[index]!}`))}) as i(${ALIASES})`;

/** `a.x, a.y, …` */
export const columnsOf = (alias: string, names: readonly Column[] = NAMES) =>
  sql.raw(names.map((name) => `${alias}.${name}`).join(", "));
export const columnNames = (names: readonly Column[] = NAMES) => sql.raw(names.join(", "));
/** `x = a.x, y = a.y, …` */
export const assignments = (alias: string, names: readonly Column[]) =>
  sql.raw(names.map((name) => `${name} = ${alias}.${name}`).join(", "));
/** Every column that a later form of the message replaces. */
export const REPLACED = NAMES.filter((name) => name !== "id");
