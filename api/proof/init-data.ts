import { createHmac, createPublicKey, type KeyObject, verify } from "node:crypto";
import {
  assertFresh,
  checkString,
  fromHex,
  isSame,
  ProofRefused,
  type TelegramProof,
  telegramIdSchema,
} from "./signed.ts";

/** Whose word initData is. */
export interface InitDataTrust {
  /** Our own bot's token: the HMAC in `hash`. */
  readonly botToken: string | null;
  /** Bots of others, whose token we do not have: Telegram's Ed25519 `signature`. */
  readonly botIds: readonly bigint[];
  /** Raw Ed25519 public key; Telegram's own unless given. */
  readonly publicKey?: Buffer;
}

/** Telegram's key for this, of production (core.telegram.org/bots/webapps). */
const TELEGRAM_KEY = Buffer.from("e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d", "hex");
/** What precedes the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");
const LONGEST = 8_192;

/**
 * Checks a Mini App's `initData`: by our own bot's token (HMAC-SHA256), or, where it is from another bot that we trust,
 * by Telegram's own signature (Ed25519). At most five minutes old.
 *
 * @param now milliseconds since the epoch
 * @throws ProofRefused
 */
export function verifyInitData(initData: string, trust: InitDataTrust, now: number): TelegramProof {
  const pairs = readPairs(initData);
  if (!(isOurs(pairs, trust) || isOfTrustedBot(pairs, trust))) throw new ProofRefused("the signature is not right");
  assertFresh(pairs.get("auth_date"), now);
  return { telegramId: userOf(pairs) };
}

/** A name twice, or a line break in a value, would let one signed text be read in two ways. */
function readPairs(initData: string): Map<string, string> {
  if (initData.length > LONGEST) throw new ProofRefused("it is too long");
  const pairs = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(initData)) {
    if (pairs.has(name)) throw new ProofRefused("a field is there twice");
    if (!/^[a-z_]{1,64}$/.test(name) || value.includes("\n")) throw new ProofRefused("a field is malformed");
    pairs.set(name, value);
  }
  return pairs;
}

function isOurs(pairs: ReadonlyMap<string, string>, { botToken }: InitDataTrust): boolean {
  if (botToken === null || !pairs.has("hash")) return false;
  const secret = createHmac("sha256", "WebAppData").update(botToken).digest();
  const expected = createHmac("sha256", secret)
    .update(checkString(pairs, ["hash"]))
    .digest();
  return isSame(fromHex(pairs.get("hash"), 32), expected);
}

function isOfTrustedBot(pairs: ReadonlyMap<string, string>, { botIds, publicKey }: InitDataTrust): boolean {
  const given = pairs.get("signature");
  if (botIds.length === 0 || given === undefined || !/^[A-Za-z0-9_-]{86}(?:==)?$/.test(given)) return false;
  const signature = Buffer.from(given, "base64url");
  // The last of 86 signs has bits to spare: one signature, one way of writing it.
  if (signature.toString("base64url") !== given.slice(0, 86)) return false;
  const key = ed25519(publicKey ?? TELEGRAM_KEY);
  const signed = checkString(pairs, ["hash", "signature"]);
  return botIds.some((botId) => verify(null, Buffer.from(`${botId}:WebAppData\n${signed}`), key, signature));
}

const ed25519 = (raw: Buffer): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw]), format: "der", type: "spki" });

function userOf(pairs: ReadonlyMap<string, string>): bigint {
  try {
    const user: unknown = JSON.parse(pairs.get("user") ?? "null");
    return BigInt(telegramIdSchema.parse((user as { id?: unknown } | null)?.id));
  } catch {
    throw new ProofRefused("it names no user");
  }
}
