import type { WorldUser } from "../world/model.ts";
import { TlWriter } from "./primitives.ts";
import { writeUser } from "./write-chat.ts";

/** Digits of a login code. */
const CODE_LENGTH = 5;

/** `auth.sentCodeTypeApp`, … and `auth.codeTypeSms`, … */
const WAYS = {
  app: { sent: 0x3dbb5986, next: null },
  sms: { sent: 0xc000bba2, next: 0x72a3158c },
  call: { sent: 0x5353e5a7, next: 0x741cd3e3 },
} as const;

/** `auth.sentCode`. */
export function encodeSentCode(notice: {
  readonly hash: string;
  readonly way: keyof typeof WAYS;
  readonly next: keyof typeof WAYS | null;
  readonly timeout: number;
}): Buffer {
  const next = notice.next && WAYS[notice.next].next;
  const writer = new TlWriter(64).int(0x5e002502).int(next === null ? 0 : (1 << 1) | (1 << 2));
  writer.int(WAYS[notice.way].sent).int(CODE_LENGTH).bytes(notice.hash);
  return next === null ? writer.finish() : writer.int(next).int(notice.timeout).finish();
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
