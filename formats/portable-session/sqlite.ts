import type { Database, SqlValue } from "sql.js/dist/sql-wasm-inline.js";
import { checkAddress, checkPort } from "./addresses.ts";
import { checkDataCenter, checkKey, type PortableSession, SessionRefused } from "./session.ts";
import { checkLayout, damaged } from "./sqlite-layout.ts";

/** Nothing that a file brings is run: neither by reading it, nor by writing, which is not allowed at all. */
const READ_ONLY = "pragma trusted_schema = off; pragma query_only = on; pragma cell_size_check = on;";

/** By whose columns a table of sessions is known. */
const TELETHON = ["dc_id", "server_address", "port", "auth_key"];
const PYROGRAM = ["dc_id", "auth_key", "test_mode", "user_id", "is_bot"];

type Row = ReadonlyMap<string, SqlValue>;

/**
 * Reads the `.session` file of Telethon (any version of its schema) or of Pyrogram and its heirs: a SQLite database
 * with one row in a table `sessions`. The SQLite that reads it is loaded with the first one.
 *
 * @throws SessionRefused
 */
export async function readSessionDatabase(bytes: Buffer): Promise<PortableSession> {
  const sound = checkLayout(bytes);
  const { default: initSqlJs } = await import("sql.js/dist/sql-wasm-inline.js");
  const { Database } = await initSqlJs();
  let database: Database | null = null;
  let row: Row;
  try {
    database = new Database(sound);
    row = readOnlyRow(database);
  } catch (error) {
    // SQLite's own message may quote the file.
    throw error instanceof SessionRefused ? error : damaged();
  } finally {
    database?.close();
  }
  return PYROGRAM.every((column) => row.has(column)) ? fromPyrogram(row) : fromTelethon(row);
}

function readOnlyRow(database: Database): Row {
  database.exec(READ_ONLY);
  const [table, ...others] = rowsOf(database, "select type, sql from sqlite_master where lower(name) = 'sessions'");
  if (!table) throw new SessionRefused("no_session", "it has no table of sessions");
  if (others.length > 0 || table[0] !== "table" || /^\s*create\s+virtual/i.test(String(table[1]))) throw strange();
  const columns = rowsOf(database, "pragma table_xinfo(sessions)");
  // Any other value: computed when it is read.
  if (columns.some((column) => column.at(-1) !== 0)) throw strange();
  const names = columns.map((column) => String(column[1]).toLowerCase());
  const wanted = [PYROGRAM, TELETHON].find((each) => each.every((column) => names.includes(column)));
  if (!wanted) throw strange();
  const read = [...wanted, ...["api_id", "server_address", "port"].filter((name) => names.includes(name))];
  const rows = rowsOf(database, `select ${read.join(", ")} from sessions not indexed limit 2`);
  if (!rows[0]) throw new SessionRefused("no_session", "its table of sessions is empty");
  if (rows[1]) throw new SessionRefused("several_sessions", "it has several sessions: which one is meant is not told");
  return new Map(read.map((name, index) => [name, rows[0]?.[index] ?? null]));
}

const rowsOf = (database: Database, sql: string): SqlValue[][] => database.exec(sql)[0]?.values ?? [];

const strange = () =>
  new SessionRefused("unknown_format", "it is a SQLite database, but no session of Telethon or Pyrogram");

function fromTelethon(row: Row): PortableSession {
  return {
    format: "telethon-sqlite",
    dcId: checkDataCenter(row.get("dc_id")),
    ...addressIn(row),
    authKey: checkKey(row.get("auth_key")),
    ...{ apiId: null, userId: null, isTest: null, isBot: null },
  };
}

function fromPyrogram(row: Row): PortableSession {
  const number = (name: string) => {
    const value = row.get(name) ?? null;
    if (value === null || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0)) return value;
    throw new SessionRefused("malformed", `its ${name} is no number`);
  };
  const apiId = number("api_id");
  const userId = number("user_id");
  const [isTest, isBot] = [number("test_mode"), number("is_bot")].map((value) => (value === null ? null : value !== 0));
  return {
    format: "pyrogram-sqlite",
    dcId: checkDataCenter(row.get("dc_id")),
    ...addressIn(row),
    authKey: checkKey(row.get("auth_key")),
    apiId: apiId === 0 ? null : apiId,
    userId: userId === null || userId === 0 ? null : BigInt(userId),
    isTest: isTest ?? null,
    isBot: isBot ?? null,
  };
}

/** Newer heirs of Pyrogram write it, as Telethon does; null where it is not written. */
function addressIn(row: Row): Pick<PortableSession, "address" | "port"> {
  const address = row.get("server_address") ?? null;
  if (address === null || address === "") return { address: null, port: null };
  if (typeof address !== "string") throw new SessionRefused("malformed", "its server is no text");
  return { address: checkAddress(address), port: checkPort(row.get("port")) };
}
