import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { SealedSession } from "../db/sessions.ts";
import type { Log } from "../runtime/log.ts";
import type { VaultRefusal } from "../runtime/metrics/labels.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { OperatorError } from "../runtime/operator-error.ts";

/** Whose session it is: a sealed session opens for exactly these four and no others. */
export interface SessionBinding {
  readonly tenantId: string;
  readonly sessionId: bigint;
  readonly telegramId: bigint;
  readonly apiId: number;
}

export type Keyring = readonly { readonly id: string; readonly key: Buffer }[];

/** A data key as one of the keyring's keys wraps it. */
export type WrappedKey = Pick<SealedSession, "wrappedKey" | "keyId">;

/** Whose own API ID it is. */
export interface ApiHashBinding {
  readonly tenantId: string;
  /** Of its row. */
  readonly id: string;
  readonly apiId: number;
}

/** Seals and opens StringSessions, and the hashes of people's own API IDs. */
export interface Vault {
  /** The keyring's ids; the first one's key wraps. */
  readonly keyIds: readonly string[];
  /** A data key of its own for each seal, wrapped by the keyring's first key. */
  seal(session: string, binding: SessionBinding): SealedSession;
  /** @throws VaultError where the key is not in the keyring, or the row is damaged or another's */
  open(sealed: SealedSession, binding: SessionBinding): string;
  sealApiHash(apiHash: string, binding: ApiHashBinding): SealedSession;
  /** @throws VaultError likewise */
  openApiHash(sealed: SealedSession, binding: ApiHashBinding): string;
  /**
   * The same data key, wrapped by the keyring's first key: what it has sealed stays as it is.
   *
   * @throws VaultError where the key is not in the keyring, or the wrapped key is damaged or another row's
   */
  rewrap(wrapped: WrappedKey, binding: SessionBinding): WrappedKey;
  /** @throws VaultError likewise */
  rewrapApiHash(wrapped: WrappedKey, binding: ApiHashBinding): WrappedKey;
}

/**
 * A sealed session does not open. Says why, without anything secret. `unknown_key` is no word about the row: a process
 * with another keyring opens it.
 */
export class VaultError extends Error {
  override name = "VaultError";
  readonly reason: VaultRefusal;

  constructor(reason: VaultError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

const VERSION = 1;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param watched where what does not open is told: somebody has to look at each
 * @throws OperatorError for an empty keyring: without a key nothing starts
 */
export function createVault(
  keyring: Keyring,
  watched?: {
    readonly metrics: Pick<Metrics, "fingerprintSeconds" | "vaultRefusals">;
    readonly log: Pick<Log, "error">;
  },
): Vault {
  const sealing = keyring[0];
  if (!sealing)
    throw new OperatorError("SESSION_ENCRYPTION_KEYS is not set: sessions are not kept without a key to encrypt them");
  const fingerprint = (clear: Buffer): Buffer => {
    const done = watched?.metrics.fingerprintSeconds.startTimer();
    const computed = fingerprintOf(clear);
    done?.();
    return computed;
  };
  const seal = (text: string, what: string, bound: readonly unknown[]): SealedSession => {
    const clear = Buffer.from(text, "utf8");
    const dataKey = randomBytes(KEY_BYTES);
    try {
      return {
        ciphertext: encrypt(dataKey, clear, associatedData(what, bound)),
        wrappedKey: encrypt(sealing.key, dataKey, associatedData("data key", bound)),
        keyId: sealing.id,
        fingerprint: fingerprint(clear),
        fingerprintSize: clear.length,
      };
    } finally {
      dataKey.fill(0);
      clear.fill(0);
    }
  };
  const unwrap = ({ wrappedKey, keyId }: WrappedKey, bound: readonly unknown[]): Buffer => {
    const entry = keyring.find(({ id }) => id === keyId);
    if (!entry) throw new VaultError("unknown_key", `key ${keyId} is not in the keyring`);
    return decrypt(entry.key, wrappedKey, associatedData("data key", bound));
  };
  const open = (sealed: SealedSession, what: string, bound: readonly unknown[]): string => {
    const dataKey = unwrap(sealed, bound);
    try {
      const clear = decrypt(dataKey, sealed.ciphertext, associatedData(what, bound));
      try {
        if (clear.length !== sealed.fingerprintSize || !timingSafeEqual(fingerprint(clear), sealed.fingerprint))
          throw new VaultError("wrong_fingerprint", `the ${what} is not the one that was saved`);
        return clear.toString("utf8");
      } finally {
        clear.fill(0);
      }
    } finally {
      dataKey.fill(0);
    }
  };
  const rewrap = (wrapped: WrappedKey, bound: readonly unknown[]): WrappedKey => {
    const dataKey = unwrap(wrapped, bound);
    try {
      return { wrappedKey: encrypt(sealing.key, dataKey, associatedData("data key", bound)), keyId: sealing.id };
    } finally {
      dataKey.fill(0);
    }
  };
  const telling = <T>(row: object, keyId: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (watched && error instanceof VaultError) {
        const { reason } = error;
        watched.metrics.vaultRefusals.inc({ reason });
        watched.log.error({ ...row, key_id: keyId, reason }, "security alarm: what is stored does not open");
      }
      throw error;
    }
  };
  return {
    keyIds: keyring.map(({ id }) => id),
    seal: (session, binding) => seal(session, "session", partsOf(binding)),
    open: (sealed, binding) =>
      telling({ session_id: binding.sessionId.toString() }, sealed.keyId, () =>
        open(sealed, "session", partsOf(binding)),
      ),
    sealApiHash: (apiHash, binding) => seal(apiHash, "API hash", partsOfHash(binding)),
    openApiHash: (sealed, binding) =>
      telling({ own_api_id: binding.id }, sealed.keyId, () => open(sealed, "API hash", partsOfHash(binding))),
    rewrap: (wrapped, binding) => rewrap(wrapped, partsOf(binding)),
    rewrapApiHash: (wrapped, binding) => rewrap(wrapped, partsOfHash(binding)),
  };
}

const partsOf = (binding: SessionBinding) => [binding.tenantId, binding.sessionId, binding.telegramId, binding.apiId];
const partsOfHash = ({ tenantId, id, apiId }: ApiHashBinding) => [tenantId, id, apiId];

/** What {@link SealedSession.fingerprint} is: sha256 of the clear session. */
export function fingerprintOf(session: string | Buffer): Buffer {
  return createHash("sha256").update(session).digest();
}

/** Version, purpose and the bound values, each with its length before it, so that no two bindings share bytes. */
function associatedData(purpose: string, bound: readonly unknown[]): Buffer {
  const parts = [purpose, ...bound].map((part) => {
    const bytes = Buffer.from(String(part), "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  return Buffer.concat([Buffer.of(VERSION), ...parts]);
}

/** version, iv, tag, ciphertext (AES-256-GCM). */
function encrypt(key: Buffer, clear: Buffer, associated: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(associated);
  const body = Buffer.concat([cipher.update(clear), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), body]);
}

function decrypt(key: Buffer, box: Buffer, associated: Buffer): Buffer {
  const iv = box.subarray(1, 1 + IV_BYTES);
  const tag = box.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES);
  try {
    if (box[0] !== VERSION) throw new Error("unknown version");
    const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(associated).setAuthTag(tag);
    return Buffer.concat([decipher.update(box.subarray(1 + IV_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    throw new VaultError("not_authentic", "the sealed session is damaged, or belongs to another row or key");
  }
}
