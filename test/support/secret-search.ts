/** A secret: bytes, or a text, which is looked for as text too. */
export type Secret = Buffer | string;

/** What was found where, and in which form; the secret is told by its name alone. */
export interface Trace {
  readonly secret: string;
  readonly form: string;
}

/** Finds any of thousands of secrets in one pass over the bytes of a place. */
export interface SecretSearch {
  /** Each secret and form at most once. */
  in(place: Uint8Array): Trace[];
}

/** 64 bits or more of a secret: no block is anywhere by chance. */
const RAW_BLOCK = 8;
const TEXT_BLOCK = 16;
const SPARSE_BLOCK = 24;
const BLOCKS = [RAW_BLOCK, TEXT_BLOCK, SPARSE_BLOCK];
/** The filter looks at so many bytes, and has so many bits. */
const WINDOW = 8;
const FILTER_BITS = 25;

interface Form {
  readonly name: string;
  readonly bytes: Buffer;
  readonly block: number;
}

/**
 * A secret is cut into blocks, in each form: what holds two blocks' length of it, from wherever, holds one of them whole.
 * So a part is found as well: 15 bytes as they are, 31 digits in hexadecimal, 31 characters in base64 however it falls
 * on its groups of three (a longer part of it as decimal numbers, or in pairs with spaces between).
 */
export function createSecretSearch(secrets: Iterable<readonly [name: string, secret: Secret]>): SecretSearch {
  const blocks = new Map<string, Trace>();
  const filter = new Uint32Array(2 ** (FILTER_BITS - 5));
  for (const [secret, value] of secrets) {
    for (const { name, bytes, block } of formsOf(value)) {
      for (let at = 0; at + block <= bytes.length; at += block) {
        const text = bytes.toString("latin1", at, at + block);
        if (blocks.has(text)) continue;
        blocks.set(text, { secret, form: name });
        const bit = hashOf(bytes.readInt32LE(at), bytes.readInt32LE(at + 4));
        filter[bit >>> 5] = (filter[bit >>> 5] ?? 0) | (1 << (bit & 31));
      }
    }
  }
  return {
    in(place) {
      const bytes = Buffer.from(place.buffer, place.byteOffset, place.byteLength);
      const found = new Map<string, Trace>();
      let low = 0;
      let high = 0;
      for (let end = 0; end < bytes.length; end += 1) {
        low = (low >>> 8) | (high << 24);
        high = (high >>> 8) | ((bytes[end] as number) << 24);
        const bit = hashOf(low, high);
        if ((((filter[bit >>> 5] as number) >>> (bit & 31)) & 1) === 0 || end + 1 < WINDOW) continue;
        const at = end + 1 - WINDOW;
        for (const block of BLOCKS) {
          const trace = blocks.get(bytes.toString("latin1", at, at + block));
          if (trace) found.set(`${trace.secret} ${trace.form}`, trace);
        }
      }
      return [...found.values()];
    },
  };
}

const hashOf = (low: number, high: number): number =>
  (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> (32 - FILTER_BITS);

function formsOf(secret: Secret): Form[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const forms: Form[] = [
    typeof secret === "string"
      ? { name: "text", bytes, block: TEXT_BLOCK }
      : { name: "bytes", bytes, block: RAW_BLOCK },
    text("hexadecimal", hex),
    text("hexadecimal", hex.toUpperCase()),
    { name: "pairs", bytes: Buffer.from(hex.replace(/..(?!$)/g, "$& ")), block: SPARSE_BLOCK },
    { name: "numbers", bytes: Buffer.from([...bytes].join(",")), block: SPARSE_BLOCK },
  ];
  for (const skipped of [0, 1, 2]) {
    const part = bytes.subarray(skipped);
    // The last group may be shared with what follows.
    const whole = part.subarray(0, part.length - (part.length % 3));
    forms.push(text("base64", whole.toString("base64")), text("base64url", whole.toString("base64url")));
  }
  return forms;
}

const text = (name: string, of: string): Form => ({ name, bytes: Buffer.from(of), block: TEXT_BLOCK });
