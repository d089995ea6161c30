import { createHash, createHmac } from "node:crypto";
import {
  assertFresh,
  checkString,
  fromHex,
  isSame,
  ProofRefused,
  type TelegramProof,
  telegramIdSchema,
} from "./signed.ts";

/** What the Telegram Login widget hands over: `id`, `auth_date`, `hash` and whatever else Telegram says of the person. */
export type LoginWidgetData = Readonly<Record<string, string | number>>;

/**
 * Checks it (core.telegram.org/widgets/login): HMAC-SHA256 under the SHA-256 of the bot's token. At most five minutes old.
 *
 * @param now milliseconds since the epoch
 * @throws ProofRefused
 */
export function verifyLoginWidget(data: LoginWidgetData, botToken: string | null, now: number): TelegramProof {
  if (botToken === null) throw new ProofRefused("no bot is configured");
  const pairs = new Map(Object.entries(data).map(([name, value]) => [name, String(value)]));
  for (const [name, value] of pairs) {
    if (!/^[a-z_]{1,64}$/.test(name) || value.includes("\n")) throw new ProofRefused("a field is malformed");
  }
  const secret = createHash("sha256").update(botToken).digest();
  const expected = createHmac("sha256", secret)
    .update(checkString(pairs, ["hash"]))
    .digest();
  if (!isSame(fromHex(pairs.get("hash"), 32), expected)) throw new ProofRefused("the signature is not right");
  assertFresh(pairs.get("auth_date"), now);
  const id = telegramIdSchema.safeParse(Number(pairs.get("id")));
  if (!id.success) throw new ProofRefused("it names no user");
  return { telegramId: BigInt(id.data) };
}
