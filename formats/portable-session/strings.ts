import { checkAddress, checkPort } from "./addresses.ts";
import { checkDataCenter, checkKey, KEY_BYTES, type PortableSession, SessionRefused } from "./session.ts";

/** Longer than any of them, whatever its address. */
export const LONGEST = 1_024;
const VERSION = "1";
const NOTHING_ELSE = { apiId: null, userId: null, isTest: null, isBot: null } as const;

/**
 * Reads a session that somebody has as a string: Telethon's and GramJS's (both begin with 1), Pyrogram's (the newest with
 * an api_id, and both older ones).
 *
 * @throws SessionRefused
 */
export function readSessionString(text: string): PortableSession {
  const given = text.trim();
  if (given === "") throw new SessionRefused("empty", "it is empty");
  if (given.length > LONGEST) throw new SessionRefused("too_large", "it is longer than any session string");
  const version1 = given.startsWith(VERSION) ? decode(given.slice(VERSION.length)) : null;
  if (version1) return readGramJs(version1) ?? readTelethon(version1);
  const read = PYROGRAM.get(given.replace(/=+$/, "").length);
  const bytes = read && decode(given);
  if (read && bytes) return read(bytes);
  throw unknownFormat();
}

const unknownFormat = () =>
  new SessionRefused("unknown_format", "it is no session string of Telethon, GramJS or Pyrogram");

/** Either alphabet of base64, padded or not; null where it is neither. */
function decode(text: string): Buffer | null {
  const bare = text.replace(/=+$/, "");
  if (bare.length === 0 || bare.length % 4 === 1 || text.length - bare.length > 2) return null;
  if (!/^[A-Za-z0-9+/]+$/.test(bare) && !/^[A-Za-z0-9_-]+$/.test(bare)) return null;
  return Buffer.from(bare, "base64url");
}

/**
 * Data center, the address with its length before it, port, key (gram-js: sessions/StringSession). Null where the length
 * does not fit: an IPv6 address of Telethon's can be as long as this, but does not look like a length and a name.
 */
function readGramJs(bytes: Buffer): PortableSession | null {
  if (bytes.length < 5 + KEY_BYTES) return null;
  const length = bytes.readUInt16BE(1);
  if (length === 0 || bytes.length !== 5 + length + KEY_BYTES) return null;
  const address = bytes.toString("latin1", 3, 3 + length);
  if (!/^[\x21-\x7e]+$/.test(address)) return null;
  return {
    format: "gramjs-string",
    dcId: checkDataCenter(bytes.readUInt8(0)),
    address: checkAddress(address),
    // Written as a signed number: what is above 32,767 comes out right again.
    port: checkPort(bytes.readUInt16BE(3 + length)),
    authKey: checkKey(bytes.subarray(5 + length)),
    ...NOTHING_ELSE,
  };
}

/** Data center, 4 or 16 bytes of address, port, key (Telethon: sessions/string.py). */
function readTelethon(bytes: Buffer): PortableSession {
  const length = bytes.length - 3 - KEY_BYTES;
  if (length !== 4 && length !== 16) throw unknownFormat();
  const address = bytes.subarray(1, 1 + length);
  return {
    format: "telethon-string",
    dcId: checkDataCenter(bytes.readUInt8(0)),
    address: checkAddress(length === 4 ? [...address].join(".") : ipv6(address)),
    port: checkPort(bytes.readUInt16BE(1 + length)),
    authKey: checkKey(bytes.subarray(3 + length)),
    ...NOTHING_ELSE,
  };
}

/** As it is usually written, with the longest run of zeros left out (RFC 5952). */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** By the length of the string (pyrogram: storage/storage.py): the newest has an api_id, the oldest a short user id. */
const PYROGRAM: ReadonlyMap<number, (bytes: Buffer) => PortableSession> = new Map([
  [
    362,
    (bytes) => readPyrogram(bytes, { apiId: bytes.readUInt32BE(1), at: 5, userId: (at) => bytes.readBigUInt64BE(at) }),
  ],
  [356, (bytes) => readPyrogram(bytes, { apiId: null, at: 1, userId: (at) => bytes.readBigUInt64BE(at) })],
  [351, (bytes) => readPyrogram(bytes, { apiId: null, at: 1, userId: (at) => BigInt(bytes.readUInt32BE(at)) })],
]);

/** Data center, api_id where it has one, whether it is a test's, key, user id, whether it is a bot's. */
function readPyrogram(
  bytes: Buffer,
  { apiId, at, userId }: { apiId: number | null; at: number; userId: (at: number) => bigint },
): PortableSession {
  return {
    format: "pyrogram-string",
    dcId: checkDataCenter(bytes.readUInt8(0)),
    ...{ address: null, port: null, apiId },
    isTest: bytes.readUInt8(at) !== 0,
    authKey: checkKey(bytes.subarray(at + 1, at + 1 + KEY_BYTES)),
    userId: userId(at + 1 + KEY_BYTES),
    isBot: bytes.at(-1) !== 0,
  };
}
