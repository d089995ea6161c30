import { existsSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readStream } from "../../cli/import/source.ts";
import { isAddressAllowed } from "../../formats/portable-session/addresses.ts";
import { fingerprintOf, type RefusalReason, SessionRefused } from "../../formats/portable-session/session.ts";
import { readSessionString } from "../../formats/portable-session/strings.ts";

const KEY = Buffer.from(Array.from({ length: 256 }, (_, index) => (index * 7 + 1) % 256));
const number = (value: number, bytes: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
const telethon = (dc: number, address: readonly number[], port = 443, key = KEY) =>
  `1${Buffer.concat([number(dc, 1), Buffer.from(address), number(port, 2), key]).toString("base64url")}`;
const gramJs = (dc: number, address: string, port = 443, key = KEY) =>
  `1${Buffer.concat([number(dc, 1), number(address.length, 2), Buffer.from(address), number(port, 2), key]).toString("base64")}`;
const pyrogram = (...parts: Buffer[]) => Buffer.concat(parts).toString("base64url");

function refusal(text: string): RefusalReason {
  try {
    readSessionString(text);
  } catch (error) {
    if (error instanceof SessionRefused) {
      expect(error.message).not.toContain("\n");
      return error.reason;
    }
    throw error;
  }
  return expect.fail("it was read");
}

describe("a session string", () => {
  it("of Telethon has an address of either kind", () => {
    const read = readSessionString(telethon(4, [149, 154, 167, 91]));
    expect(read).toMatchObject({
      format: "telethon-string",
      dcId: 4,
      address: "149.154.167.91",
      port: 443,
      userId: null,
    });
    expect(read.authKey.equals(KEY)).toBe(true);
    const six = [0x20, 0x01, 0x0b, 0x28, 0xf2, 0x3d, 0xf0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0x0e];
    expect(readSessionString(telethon(1, six))).toMatchObject({
      format: "telethon-string",
      address: "2001:b28:f23d:f001::e",
    });
  });

  it("of GramJS has it as text, also where that is as long as an IPv6 address of Telethon's", () => {
    for (const address of ["149.154.167.40", "1.2.3.4", "venus.web.telegram.org", "2001:b28:f23d:f001::e"])
      expect(readSessionString(gramJs(2, address, 40_000))).toMatchObject({
        format: "gramjs-string",
        address,
        port: 40_000,
      });
  });

  it("of Pyrogram has the user, and the newest an api_id", () => {
    const user = number(5_000_801_609, 6);
    const long = Buffer.concat([Buffer.alloc(2), user]);
    const [no, yes] = [number(0, 1), number(1, 1)];
    const known = { format: "pyrogram-string", dcId: 2, address: null, port: null };
    expect(readSessionString(pyrogram(number(2, 1), number(3_328_759, 4), yes, KEY, long, no))).toMatchObject({
      ...{ ...known, apiId: 3_328_759, isTest: true, isBot: false, userId: 5_000_801_609n },
    });
    expect(readSessionString(pyrogram(number(2, 1), no, KEY, long, yes))).toMatchObject({
      ...{ ...known, apiId: null, isTest: false, isBot: true, userId: 5_000_801_609n },
    });
    expect(readSessionString(pyrogram(number(2, 1), no, KEY, number(77, 4), no))).toMatchObject({
      ...known,
      userId: 77n,
    });
  });

  it("is read with or without padding, with spaces around it", () => {
    const bare = gramJs(2, "127.0.0.1").replace(/=+$/, "");
    for (const text of [bare, `${bare}=`, ` ${bare}\n`])
      expect(() => readSessionString(text), JSON.stringify(text)).not.toThrow();
  });

  it("comes in by a stream in whatever pieces, and one that does not end is not read on", async () => {
    const string = gramJs(2, "149.154.167.40");
    expect(await readStream(Readable.from([string.slice(0, 7), Buffer.from(string.slice(7)), "\n"]))).toEqual(
      readSessionString(string),
    );
    let pieces = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          pieces += 1;
          yield "1".repeat(500);
        }
      })(),
    );
    await expect(readStream(endless)).rejects.toThrow("longer than any session string");
    expect(pieces).toBeLessThan(100);
  });

  it.each<[RefusalReason, string, string]>([
    ["empty", "nothing", " \n"],
    ["too_large", "a book", "1".repeat(100_000)],
    ["unknown_format", "another version", `2${telethon(2, [1, 2, 3, 4]).slice(1)}`],
    ["unknown_format", "no base64", "1@@@@"],
    ["unknown_format", "both alphabets at once", `1${"+_".repeat(180)}`],
    ["unknown_format", "a byte too few", telethon(2, [1, 2, 3])],
    ["unknown_format", "a length that nothing has", `A${"A".repeat(356)}`],
    ["bad_data_center", "data center 0", telethon(0, [1, 2, 3, 4])],
    ["bad_data_center", "data center 6", gramJs(6, "1.2.3.4")],
    ["bad_key", "a key of zeros", telethon(2, [1, 2, 3, 4], 443, Buffer.alloc(256))],
    ["bad_address", "port 0", telethon(2, [1, 2, 3, 4], 0)],
    ["bad_address", "no host", gramJs(2, "a b".replace(" ", "/"))],
    ["link_local", "a cloud's secrets", telethon(2, [169, 254, 169, 254], 80)],
    ["link_local", "the same by the other family", gramJs(2, "::ffff:169.254.169.254", 80)],
    ["link_local", "IPv6", gramJs(2, "fe80::1")],
  ])("is refused: %s (%s)", (reason, _, text) => {
    expect(refusal(text)).toBe(reason);
  });
});

it("is from Telegram, or from a data center that is configured", () => {
  for (const address of [null, "149.154.167.91", "91.108.56.130", "2001:b28:f23d:f001::a", "venus.web.telegram.org"])
    expect(isAddressAllowed(address, null), `${address}`).toBe(true);
  for (const address of ["127.0.0.1", "10.0.0.1", "192.168.0.1", "8.8.8.8", "2001:db8::", "telegram.org.example.com"])
    expect(isAddressAllowed(address, null), address).toBe(false);
  const configured = [{ host: "127.0.0.1", port: 4430 }];
  expect(isAddressAllowed("127.0.0.1", configured)).toBe(true);
  expect(isAddressAllowed("127.0.0.2", configured)).toBe(false);
  expect(isAddressAllowed("149.154.167.91", configured)).toBe(true);
});

const VECTORS = new URL("../../../shared/data/sessions/vectors.json", import.meta.url);

describe.skipIf(!existsSync(VECTORS))("the vectors that others wrote", () => {
  const { positive, negative } = existsSync(VECTORS)
    ? (JSON.parse(readFileSync(VECTORS, "utf8")) as Vectors)
    : { positive: [], negative: [] };

  it("nine are read", () => {
    expect(positive).toHaveLength(9);
    for (const { name, format, string, expect: wanted } of positive) {
      const read = readSessionString(string);
      expect([name, read.format, read.dcId, fingerprintOf(read)]).toEqual([
        name,
        format,
        wanted.dc,
        wanted.auth_key_sha256,
      ]);
      expect([name, read.address, read.port]).toEqual([name, wanted.ip ?? null, wanted.port ?? null]);
      expect([name, read.apiId, read.isTest]).toEqual([name, wanted.api_id ?? null, wanted.test ?? null]);
      expect([name, read.userId]).toEqual([name, wanted.user_id === undefined ? null : BigInt(wanted.user_id)]);
    }
  });

  it("nine are refused", () => {
    expect(negative).toHaveLength(9);
    expect(Object.fromEntries(negative.map(({ name, string }) => [name, refusal(string)]))).toMatchInlineSnapshot(`
      {
        "bad_base64": "unknown_format",
        "bad_version": "unknown_format",
        "dc0": "bad_data_center",
        "empty": "empty",
        "key_all_zero": "bad_key",
        "len267_gotd": "unknown_format",
        "len276_gotd": "unknown_format",
        "ssrf_metadata_ip": "link_local",
        "too_small_gotd": "unknown_format",
      }
    `);
  });
});

interface Vectors {
  readonly positive: readonly {
    readonly name: string;
    readonly format: string;
    readonly string: string;
    readonly expect: {
      readonly dc: number;
      readonly ip?: string;
      readonly port?: number;
      readonly auth_key_sha256: string;
      readonly api_id?: number;
      readonly user_id?: number;
      readonly test?: boolean;
    };
  }[];
  readonly negative: readonly { readonly name: string; readonly string: string }[];
}
