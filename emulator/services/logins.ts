import { randomBytes } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import { RpcError } from "../dc/service.ts";
import type { SrpChallenge } from "./srp.ts";

/** A login code is good for this long, and for this many wrong tries. */
const CODE_MS = 5 * 60_000;
const TRIES = 5;
const EXPORTED_MS = 60_000;

/** How codes go, each time by the next way: Telegram names them so in `auth.sentCode` and `nextType`. */
const WAYS = ["app", "sms", "call"] as const;
/** Before this a client does not ask for the next way. */
const RESEND_SECONDS = 60;

export type CodeWay = (typeof WAYS)[number];

/** What `auth.sentCode` says of a code. */
export interface CodeNotice {
  readonly hash: string;
  readonly way: CodeWay;
  /** How it goes the next time; null where there is no other way. */
  readonly next: CodeWay | null;
  /** Seconds until then. */
  readonly timeout: number;
}

interface SentCode {
  readonly phone: string;
  readonly code: string;
  readonly way: number;
  readonly until: number;
  wrong: number;
}

/** Logins under way: codes sent, second steps waited for, authorisations carried to another DC. All in memory. */
export interface Logins {
  /** Phones that Telegram has banned. */
  readonly banned: Set<string>;
  /** Sends a code, the first way. */
  send(phone: string, code: string): CodeNotice;
  /** Sends it the next way; the one before is void. @throws RpcError PHONE_CODE_EXPIRED or SEND_CODE_UNAVAILABLE */
  resend(phone: string, hash: string): CodeNotice;
  /** @throws RpcError PHONE_CODE_EMPTY, PHONE_CODE_EXPIRED or PHONE_CODE_INVALID */
  check(phone: string, hash: string, code: string): void;
  /** Forgets a code that was sent; whether there was one. */
  cancel(phone: string, hash: string): boolean;
  /** The account that an auth key may log in to once it gives the password. */
  readonly secondSteps: Map<bigint, bigint>;
  /** The password check that an auth key was last given. */
  readonly challenges: Map<bigint, { readonly accountId: bigint; readonly challenge: SrpChallenge }>;
  export(accountId: bigint): Buffer;
  /** @throws RpcError AUTH_BYTES_INVALID */
  import(accountId: bigint, bytes: Buffer): void;
}

/** @param pace seconds that clients are to wait pass so many times faster */
export function createLogins(clock: Clock, pace = 1): Logins {
  const codes = new Map<string, SentCode>();
  const exported = new Map<string, { accountId: bigint; until: number }>();
  const sendBy = (number: number, phone: string, code: string): CodeNotice => {
    for (const [hash, sent] of codes) if (sent.until < clock.monotonic()) codes.delete(hash);
    const hash = randomBytes(9).toString("hex");
    codes.set(hash, { phone, code, way: number, until: clock.monotonic() + CODE_MS, wrong: 0 });
    const timeout = Math.max(1, Math.round(RESEND_SECONDS / pace));
    return { hash, way: WAYS[number]!, next: WAYS[number + 1] ?? null, timeout };
  };

  return {
    banned: new Set(),
    send: (phone, code) => sendBy(0, phone, code),
    resend(phone, hash) {
      const sent = codes.get(hash);
      if (!sent || sent.phone !== phone || sent.until < clock.monotonic())
        throw new RpcError(400, "PHONE_CODE_EXPIRED");
      if (sent.way + 1 >= WAYS.length) throw new RpcError(406, "SEND_CODE_UNAVAILABLE");
      codes.delete(hash);
      return sendBy(sent.way + 1, phone, sent.code);
    },
    check(phone, hash, code) {
      const sent = codes.get(hash);
      if (code === "") throw new RpcError(400, "PHONE_CODE_EMPTY");
      if (!sent || sent.phone !== phone || sent.until < clock.monotonic())
        throw new RpcError(400, "PHONE_CODE_EXPIRED");
      if (sent.code === code) {
        codes.delete(hash);
        return;
      }
      sent.wrong += 1;
      if (sent.wrong >= TRIES) codes.delete(hash);
      throw new RpcError(400, "PHONE_CODE_INVALID");
    },
    cancel(phone, hash) {
      return codes.get(hash)?.phone === phone && codes.delete(hash);
    },
    secondSteps: new Map(),
    challenges: new Map(),
    export(accountId) {
      const bytes = randomBytes(32);
      exported.set(bytes.toString("hex"), { accountId, until: clock.monotonic() + EXPORTED_MS });
      return bytes;
    },
    import(accountId, bytes) {
      const name = bytes.toString("hex");
      const known = exported.get(name);
      exported.delete(name);
      if (known?.accountId !== accountId || known.until < clock.monotonic()) {
        throw new RpcError(400, "AUTH_BYTES_INVALID");
      }
    },
  };
}
