const KEY_BYTES = 256;
/** A GramJS session: data center, length of the address, port and key, beside the address itself. */
const GRAMJS_BYTES = 1 + 2 + 2 + KEY_BYTES;

/**
 * Whose format a StringSession has: GramJS writes the address as text, with its length before it, Telethon as 4 or 16
 * bytes. Both begin with "1".
 */
export function formatOf(session: string): "gramjs" | "telethon" {
  const [, high = 0, low = 0] = Buffer.from(session.slice(1, 5), "base64");
  const bytes = Buffer.byteLength(session.slice(1), "base64");
  return bytes === GRAMJS_BYTES + high * 256 + low ? "gramjs" : "telethon";
}

/** The auth key in a StringSession of either format: its last 256 bytes. Secret. */
export function keyOf(session: string): Buffer {
  return Buffer.from(session.slice(1), "base64").subarray(-KEY_BYTES);
}
