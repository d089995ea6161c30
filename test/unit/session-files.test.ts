import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSessionFile } from "../../formats/portable-session/read.ts";
import { fingerprintOf, type RefusalReason, SessionRefused } from "../../formats/portable-session/session.ts";
import { contentsOf, databaseFile, endlessContents, pyrogramFile, telethonFile } from "../support/session-files.ts";

const KEY = Buffer.from(Array.from({ length: 256 }, (_, index) => (index * 11 + 3) % 256));
const SECRET = KEY.toString("hex").slice(0, 16);

async function refusal(bytes: Buffer): Promise<RefusalReason> {
  try {
    await readSessionFile(bytes);
  } catch (error) {
    if (!(error instanceof SessionRefused)) throw error;
    expect(error.message).not.toMatch(/\n/);
    expect(error.message).not.toContain(SECRET);
    return error.reason;
  }
  return expect.fail("it was read");
}

describe("a session file", () => {
  it("of Telethon is read, whatever the version of its schema and the size of its cache", async () => {
    for (const version of [1, 2, 3, 7, 8])
      expect(await readSessionFile(await telethonFile({ dcId: 4, key: KEY }, { version, entities: 200 }))).toEqual({
        ...{ format: "telethon-sqlite", dcId: 4, address: "149.154.167.51", port: 443, authKey: KEY },
        ...{ apiId: null, userId: null, isTest: null, isBot: null },
      });
  });

  it("of Pyrogram is read: without an api_id, with one, and with a server", async () => {
    const user = { userId: 5_000_801_609n, apiId: 3_328_759 };
    const known = {
      format: "pyrogram-sqlite",
      dcId: 2,
      authKey: KEY,
      userId: user.userId,
      isTest: false,
      isBot: false,
    };
    const nowhere = { address: null, port: null };
    expect(await readSessionFile(await pyrogramFile({ key: KEY }, { ...user, version: 1 }))).toEqual({
      ...{ ...known, ...nowhere, apiId: null },
    });
    expect(await readSessionFile(await pyrogramFile({ key: KEY }, { ...user, isBot: true }))).toEqual({
      ...{ ...known, ...nowhere, apiId: user.apiId, isBot: true },
    });
    expect(await readSessionFile(await pyrogramFile({ key: KEY }, { ...user, version: 7 }))).toEqual({
      ...{ ...known, apiId: user.apiId, address: "149.154.167.51", port: 443 },
    });
  });

  it("is read where its program keeps a log beside it, and was closed", async () => {
    const bytes = await telethonFile({ key: KEY });
    bytes.fill(2, 18, 20);
    expect(await readSessionFile(bytes)).toMatchObject({ dcId: 2 });
    expect(bytes.subarray(18, 20)).toEqual(Buffer.of(2, 2));
  });

  it("may be a text with a session string in it", async () => {
    const string = `1${Buffer.concat([Buffer.of(2, 149, 154, 167, 51, 1, 187), KEY]).toString("base64url")}`;
    expect(await readSessionFile(Buffer.from(`${string}\r\n`))).toMatchObject({
      format: "telethon-string",
      authKey: KEY,
    });
  });

  const sessions = "create table sessions (dc_id integer primary key, server_address text, port integer, auth_key blob";
  const row = `insert into sessions values (2, '149.154.167.51', 443, x'${KEY.toString("hex")}')`;
  const made = (sql: string) => databaseFile((database) => database.exec(sql));
  it.each<[RefusalReason, string, () => Promise<Buffer> | Buffer]>([
    ["empty", "nothing", () => Buffer.alloc(0)],
    ["unknown_format", "a picture", () => Buffer.from("89504e470d0a1a0a0000", "hex")],
    ["unknown_format", "a long text", () => Buffer.alloc(1_000_000, "a")],
    ["unknown_format", "a short one", () => Buffer.from("hello")],
    ["malformed", "its first bytes alone", async () => (await telethonFile({ key: KEY })).subarray(0, 90)],
    ["malformed", "its first half", async () => (await telethonFile({ key: KEY })).subarray(0, 8_192)],
    ["malformed", "cut within a page", async () => (await telethonFile({ key: KEY })).subarray(0, 5_000)],
    ["unknown_format", "another program's", () => made("create table sessions (id text, cookie text)")],
    ["no_session", "one without that table", () => made("create table other (id integer)")],
    ["no_session", "an empty table", () => made(`${sessions})`)],
    ["several_sessions", "two rows", () => made(`${sessions}); ${row}; ${row.replace("(2", "(4")}`)],
    ["bad_key", "no key", () => telethonFile({ key: Buffer.alloc(0) })],
    ["bad_key", "a short key", () => telethonFile({ key: KEY.subarray(0, 255) })],
    [
      "bad_key",
      "a key as text",
      () => made(`${sessions}); insert into sessions values (2, '', 443, '${"a".repeat(256)}')`),
    ],
    ["bad_data_center", "data center 6", () => telethonFile({ dcId: 6, key: KEY })],
    ["link_local", "a cloud's secrets", () => telethonFile({ address: "169.254.169.254", key: KEY })],
    ["bad_address", "no port", () => telethonFile({ port: 0, key: KEY })],
    [
      "malformed",
      "a user without a number",
      async () => {
        const bytes = await databaseFile((database) =>
          database.exec(`create table sessions (dc_id integer, auth_key blob, test_mode integer, user_id text, is_bot integer);
          insert into sessions values (2, x'${KEY.toString("hex")}', 0, 'me', 0)`),
        );
        return bytes;
      },
    ],
    [
      "unknown_format",
      "a view",
      () =>
        made(`create view sessions as with recursive t(n) as (select 1 union all select n + 1 from t)
        select 2 dc_id, '' server_address, 443 port, n auth_key from t where n < 0`),
    ],
    [
      "unknown_format",
      "a column that is computed",
      () =>
        made(`${sessions} as (zeroblob(256))); insert into sessions (dc_id, server_address, port) values (2, '', 443)`),
    ],
    [
      "malformed",
      "contents that name themselves",
      async () => {
        const bytes = await telethonFile({ key: KEY });
        // An inner page of one cell, which names the first page again, as the last one does.
        bytes.set(Buffer.from("0500000001000000000000000100700000000100", "hex"), 100);
        bytes.writeUInt32BE(1, 0x70);
        return bytes;
      },
    ],
  ])("is refused as %s: %s", async (reason, _, make) => {
    expect(await refusal(await make())).toBe(reason);
  });

  it("whose contents SQLite would read for years is refused before SQLite sees it", async () => {
    // Each level makes it forty times as long, and costs one page.
    expect([await contentsOf(await endlessContents(1)), await contentsOf(await endlessContents(2))]).toEqual([
      41, 1_601,
    ]);
    expect(await refusal(await endlessContents(2))).toBe("malformed");
    expect(await refusal(await endlessContents(18))).toBe("malformed");
  });

  it("with bytes changed at random is read or refused, and nothing else", async () => {
    const sound = await pyrogramFile({ key: KEY }, { userId: 7n, version: 7 });
    const change = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), fc.nat(200), async (changes, head) => {
        const bytes = Buffer.from(sound);
        for (const [index, [at, value]] of changes.entries()) bytes[index % 2 === 0 ? at : at % (head + 1)] = value;
        await readSessionFile(bytes).catch((error: unknown) => {
          if (!(error instanceof SessionRefused)) throw error;
        });
      }),
      { numRuns: 300 },
    );
  });
});

const SAMPLES = new URL("../../../shared/data/sessions/", import.meta.url);

describe.skipIf(!existsSync(SAMPLES))("the files that others wrote", () => {
  it("one is read, four are refused", async () => {
    const told: Record<string, unknown> = {};
    for (const name of existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((each) => each.endsWith(".session")) : []) {
      const bytes = readFileSync(new URL(name, SAMPLES));
      told[name] = name.includes("_valid") ? await readSessionFile(bytes) : await refusal(bytes);
    }
    const { "telethon_v7_valid.session": valid, ...broken } = told as Record<
      string,
      Parameters<typeof fingerprintOf>[0]
    >;
    expect(valid).toMatchObject({ format: "telethon-sqlite", dcId: 2, address: "127.0.0.1", port: 4430 });
    expect(valid && fingerprintOf(valid)).toBe("560a62740df437fa4d351e6e8402000b313219b5fa35074dd159b87b624714ca");
    expect(broken).toEqual({
      "not_sqlite.session": "malformed",
      "telethon_v7_nokey.session": "bad_key",
      "telethon_v7_nosessions.session": "no_session",
      "telethon_v7_shortkey.session": "bad_key",
    });
  });
});
