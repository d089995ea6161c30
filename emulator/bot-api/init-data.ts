import { createHmac, generateKeyPairSync, sign } from "node:crypto";

/** Signs what a Mini App is handed (core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app). */
export interface InitDataSigner {
  /** Raw Ed25519 key, as third parties check `signature` with. */
  readonly publicKey: Buffer;
  /** @param pairs all but hash and signature */
  sign(token: string, pairs: Readonly<Record<string, string>>): string;
}

/** With a key of its own: Telegram's is Telegram's. */
export function createInitDataSigner(): InitDataSigner {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    publicKey: publicKey.export({ format: "der", type: "spki" }).subarray(-32),
    sign(token, pairs) {
      const botId = token.slice(0, token.indexOf(":"));
      const signature = sign(null, Buffer.from(`${botId}:WebAppData\n${linesOf(pairs)}`), privateKey).toString(
        "base64url",
      );
      const signed = { ...pairs, signature };
      const secret = createHmac("sha256", "WebAppData").update(token).digest();
      const hash = createHmac("sha256", secret).update(linesOf(signed)).digest("hex");
      return new URLSearchParams({ ...signed, hash }).toString();
    },
  };
}

const linesOf = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join("\n");
