import initSqlJs, { type Database } from "sql.js/dist/sql-wasm-inline.js";

/** A session, as a library's file has it. */
export interface SessionRow {
  readonly dcId?: number;
  readonly address?: string;
  readonly port?: number;
  readonly key: Buffer;
}

/** A SQLite database that `fill` made. */
export async function databaseFile(fill: (database: Database) => void): Promise<Buffer> {
  const { Database } = await initSqlJs();
  const database = new Database();
  try {
    fill(database);
    return Buffer.from(database.export());
  } finally {
    database.close();
  }
}

const hex = (bytes: Buffer) => `x'${bytes.toString("hex")}'`;

/** As Telethon writes it, in each version of its schema (telethon: sessions/sqlite.py). */
export function telethonFile(
  { dcId = 2, address = "149.154.167.51", port = 443, key }: SessionRow,
  { version = 7, entities = 0 } = {},
): Promise<Buffer> {
  const later = `${version >= 3 ? ", takeout_id integer" : ""}${version >= 8 ? ", tmp_auth_key blob" : ""}`;
  return databaseFile((database) => {
    database.exec(`
      create table version (version integer primary key);
      create table sessions (dc_id integer primary key, server_address text, port integer, auth_key blob${later});
      create table entities (id integer primary key, hash integer not null, username text, phone integer, name text);
      create table sent_files (md5_digest blob, file_size integer, type integer, id integer, hash integer,
        primary key(md5_digest, file_size, type));
      insert into version values (${version});
      insert into sessions (dc_id, server_address, port, auth_key) values (${dcId}, '${address}', ${port}, ${hex(key)})`);
    for (let id = 1; id <= entities; id += 1)
      database.exec(`insert into entities values (${id}, ${id}, 'user_${id}', 0, '')`);
  });
}

/** As Pyrogram writes it: version 1 has no api_id, 7 (its heirs') an address (pyrogram: storage/sqlite_storage.py). */
export function pyrogramFile(
  { dcId = 2, address = "149.154.167.51", port = 443, key }: SessionRow,
  about: { readonly version?: 1 | 3 | 7; readonly apiId?: number; readonly userId: bigint; readonly isBot?: boolean },
): Promise<Buffer> {
  const { version = 3, apiId = 1001, userId, isBot = false } = about;
  return databaseFile((database) => {
    database.exec(`
      create table sessions (dc_id integer primary key, test_mode integer, auth_key blob, date integer not null,
        user_id integer, is_bot integer);
      create table peers (id integer primary key, access_hash integer, type integer not null, phone_number text,
        last_update_on integer not null default (cast(strftime('%s', 'now') as integer)));
      create table version (number integer primary key);
      create trigger trg_peers_last_update_on after update on peers
        begin update peers set last_update_on = 1 where id = new.id; end;
      insert into version values (${version});
      insert into sessions values (${dcId}, 0, ${hex(key)}, 0, ${userId}, ${isBot ? 1 : 0})`);
    if (version >= 3) database.exec(`alter table sessions add api_id integer; update sessions set api_id = ${apiId}`);
    if (version >= 7)
      database.exec(`alter table sessions add server_address text; alter table sessions add port integer;
        update sessions set server_address = '${address}', port = ${port}`);
  });
}

/**
 * A database of a few pages whose table of contents has 40 to the power of `depth` rows: pages that name the next one
 * again and again.
 */
export async function endlessContents(depth: number): Promise<Buffer> {
  const pageSize = 512;
  const small = await databaseFile((database) =>
    database.exec(`pragma page_size = ${pageSize}; create table a (x unique)`),
  );
  const first = small.subarray(0, pageSize);
  const cellAt = (index: number) => first.readUInt16BE(108 + 2 * index);
  const cell = (index: number) => first.subarray(cellAt(index), cellAt(index) + 2 + (first[cellAt(index)] ?? 0));
  const pages = [0, 1, 2].map((page) => Buffer.from(small.subarray(page * pageSize, (page + 1) * pageSize)));
  const leaf = (content: Buffer) => {
    const page = Buffer.alloc(pageSize);
    const at = pageSize - content.length;
    page[0] = 0x0d;
    page.writeUInt16BE(1, 3);
    page.writeUInt16BE(at, 5);
    page.writeUInt16BE(at, 8);
    content.copy(page, at);
    return page;
  };
  const inner = (children: readonly number[], header = 0) => {
    const page = Buffer.alloc(pageSize);
    page[header] = 0x05;
    page.writeUInt16BE(children.length - 1, header + 3);
    page.writeUInt32BE(children.at(-1) ?? 0, header + 8);
    for (const [index, child] of children.slice(0, -1).entries()) {
      const at = pageSize - 5 * (index + 1);
      page.writeUInt32BE(child, at);
      page[at + 4] = 1;
      page.writeUInt16BE(at, header + 12 + 2 * index);
      page.writeUInt16BE(at, header + 5);
    }
    return page;
  };
  const table = pages.push(leaf(cell(0)));
  let next = pages.push(leaf(cell(1)));
  for (let level = 0; level < depth; level += 1) next = pages.push(inner(Array(40).fill(next)));
  const root = inner([table, next], 100);
  first.copy(root, 0, 0, 100);
  root.writeUInt32BE(pages.length, 28);
  pages[0] = root;
  return Buffer.concat(pages);
}

/** How many rows SQLite finds in a database's table of contents. */
export async function contentsOf(bytes: Buffer): Promise<number> {
  const { Database } = await initSqlJs();
  const database = new Database(bytes);
  try {
    return Number(database.exec("select count(*) from sqlite_master")[0]?.values[0]?.[0]);
  } finally {
    database.close();
  }
}
