import { isIPv4, isIPv6 } from "node:net";
import { SessionRefused } from "./session.ts";

export const WRITTEN_FORMATS = ["gramjs", "telethon", "pyrogram"] as const;
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

/** All that some program's session string has in it. */
export interface WritableSession {
  readonly dcId: number;
  readonly address: string;
  readonly port: number;
  readonly authKey: Buffer;
  readonly apiId: number;
  readonly userId: bigint;
}

/**
 * Writes a session as a string of another library's.
 *
 * @throws SessionRefused where Telethon is to be told of a server that is no IP address
 */
export function writeSessionString(session: WritableSession, format: WrittenFormat): string {
  const { dcId, address, port, authKey, apiId, userId } = session;
  const dc = Buffer.of(dcId);
  if (format === "pyrogram") {
    const [api, user] = [Buffer.alloc(4), Buffer.alloc(8)];
    api.writeUInt32BE(apiId);
    user.writeBigUInt64BE(userId);
    // Neither of a test's data center nor a bot's.
    return Buffer.concat([dc, api, Buffer.of(0), authKey, user, Buffer.of(0)]).toString("base64url");
  }
  const server = format === "telethon" ? addressBytes(address) : withLength(Buffer.from(address, "latin1"));
  const bytes = Buffer.concat([dc, server, number(port), authKey]);
  // Telethon wants its padding.
  return `1${format === "telethon" ? bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_") : bytes.toString("base64")}`;
}

const withLength = (bytes: Buffer) => Buffer.concat([number(bytes.length), bytes]);

function number(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!isIPv6(address)) throw new SessionRefused("bad_address", `Telethon keeps IP addresses, and ${address} is none`);
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = (text: string | undefined) => (text ? text.split(":").map((group) => Number.parseInt(group, 16)) : []);
  const [first, last] = [groups(head), groups(tail)];
  return Buffer.concat([...first, ...Array(8 - first.length - last.length).fill(0), ...last].map(number));
}
