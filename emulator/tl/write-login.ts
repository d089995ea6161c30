import type { WorldUser } from "../world/model.ts";
import { TlWriter } from "./primitives.ts";
import { writeUser } from "./write-chat.ts";

/** Digits of a login code. */
const CODE_LENGTH = 5;

/** `auth.sentCode`, by SMS. */
export function encodeSentCode(phoneCodeHash: string): Buffer {
  return new TlWriter(64).int(0x5e002502).int(0).int(0xc000bba2).int(CODE_LENGTH).bytes(phoneCodeHash).finish();
}

/** `auth.authorization`. */
export function encodeAuthorization(user: WorldUser, accessHash: bigint): Buffer {
  const writer = new TlWriter(128).int(0x2ea2c0d4).int(0);
  writeUser(user, { self: true, accessHash }, writer);
  return writer.finish();
}

/** `auth.authorizationSignUpRequired`: a phone that nobody has signed up with. */
export function encodeSignUpRequired(): Buffer {
  return new TlWriter(8).int(0x44747e9a).int(0).finish();
}

/** `auth.loggedOut`. */
export function encodeLoggedOut(): Buffer {
  return new TlWriter(8).int(0xc3a2835f).int(0).finish();
}

/** `auth.exportedAuthorization`. */
export function encodeExportedAuthorization(accountId: bigint, bytes: Buffer): Buffer {
  return new TlWriter(64).int(0xb434e2b8).long(accountId).bytes(bytes).finish();
}

interface Algo {
  readonly salt1: Buffer;
  readonly salt2: Buffer;
  readonly g: number;
  readonly p: Buffer;
}

/** `account.password`; `current` is null where the account has none. */
export function encodePassword(password: {
  current: { algo: Algo; srpB: Buffer; srpId: bigint } | null;
  newAlgo: Algo;
  random: Buffer;
}): Buffer {
  const { current } = password;
  const writer = new TlWriter(1024).int(0x957b50fb).int(current ? 1 << 2 : 0);
  if (current) {
    writeAlgo(current.algo, writer);
    writer.bytes(current.srpB).long(current.srpId);
  }
  writeAlgo(password.newAlgo, writer);
  // securePasswordKdfAlgoUnknown: Telegram Passport is not served.
  return writer.int(0x004a8537).bytes(password.random).finish();
}

function writeAlgo(algo: Algo, writer: TlWriter): void {
  writer.int(0x3a912d4a).bytes(algo.salt1).bytes(algo.salt2).int(algo.g).bytes(algo.p);
}
