import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Seals what passes through Redis: login tokens lie there for every process of ours, and for nobody else. */
export interface TicketBox {
  seal(text: string, ticket: string): string;
  /** @throws UnknownTicketKey where it was sealed by a key that is not ours; Error where for another ticket, or damaged */
  open(sealed: string, ticket: string): string;
}

/** Sealed by a process with another keyring: nothing is wrong with it, and it cannot be read here. */
export class UnknownTicketKey extends Error {
  override name = "UnknownTicketKey";
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** By keys derived from the vault's keyring, which every process that logs people in has; the first one seals. */
export function createTicketBox(keyring: readonly { readonly id: string; readonly key: Buffer }[]): TicketBox {
  const keys = keyring.map(({ id, key }) => ({
    id,
    key: Buffer.from(hkdfSync("sha256", key, "", "gramfleet tickets", 32)),
  }));
  return {
    seal(text, ticket) {
      const [first] = keys;
      if (!first) throw new Error("no key to seal with");
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", first.key, iv).setAAD(Buffer.from(ticket));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `${first.id}:${Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64")}`;
    },
    open(sealed, ticket) {
      const colon = sealed.indexOf(":");
      const entry = keys.find(({ id }) => id === sealed.slice(0, colon));
      if (!entry) throw new UnknownTicketKey("sealed by a key that is not in the keyring");
      const bytes = Buffer.from(sealed.slice(colon + 1), "base64");
      const decipher = createDecipheriv("aes-256-gcm", entry.key, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(ticket))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const body = bytes.subarray(IV_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    },
  };
}
