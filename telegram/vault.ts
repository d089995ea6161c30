import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Database } from "../db/database.ts";
import { newestSealed } from "../db/newest-sealed.ts";
import type { SealedSession } from "../db/sessions.ts";
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

/** Whose own API ID it is. */
export interface ApiHashBinding {
  readonly tenantId: string;
  /** Of its row. */
  readonly id: string;
  readonly apiId: number;
}

/** Seals and opens StringSessions, and the hashes of people's own API IDs. */
export interface Vault {
  /** A data key of its own for each seal, wrapped by the keyring's first key. */
  seal(session: string, binding: SessionBinding): SealedSession;
  /** @throws VaultError where the key is not in the keyring, or the row is damaged or another's */
  open(sealed: SealedSession, binding: SessionBinding): string;
  sealApiHash(apiHash: string, binding: ApiHashBinding): SealedSession;
  /** @throws VaultError likewise */
  openApiHash(sealed: SealedSession, binding: ApiHashBinding): string;
}

/** A sealed session does not open. Says why, without anything secret. */
export class VaultError extends Error {
  override name = "VaultError";
  readonly reason: "unknown_key" | "not_authentic" | "wrong_fingerprint";

  constructor(reason: VaultError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

const VERSION = 1;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** @throws OperatorError for an empty keyring: without a key nothing starts */
export function createVault(keyring: Keyring, metrics?: Pick<Metrics, "fingerprintSeconds">): Vault {
  const sealing = keyring[0];
  if (!sealing)
    throw new OperatorError("SESSION_ENCRYPTION_KEYS is not set: sessions are not kept without a key to encrypt them");
  const fingerprint = (clear: Buffer): Buffer => {
    const done = metrics?.fingerprintSeconds.startTimer();
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
  const open = (sealed: SealedSession, what: string, bound: readonly unknown[]): string => {
    const entry = keyring.find(({ id }) => id === sealed.keyId);
    if (!entry) throw new VaultError("unknown_key", `key ${sealed.keyId} is not in the keyring`);
    const dataKey = decrypt(entry.key, sealed.wrappedKey, associatedData("data key", bound));
    const clear = decrypt(dataKey, sealed.ciphertext, associatedData(what, bound));
    try {
      if (clear.length !== sealed.fingerprintSize || !timingSafeEqual(fingerprint(clear), sealed.fingerprint))
        throw new VaultError("wrong_fingerprint", `the ${what} is not the one that was saved`);
      return clear.toString("utf8");
    } finally {
      dataKey.fill(0);
      clear.fill(0);
    }
  };
  return {
    seal: (session, binding) => seal(session, "session", partsOf(binding)),
    open: (sealed, binding) => open(sealed, "session", partsOf(binding)),
    sealApiHash: (apiHash, { tenantId, id, apiId }) => seal(apiHash, "API hash", [tenantId, id, apiId]),
    openApiHash: (sealed, { tenantId, id, apiId }) => open(sealed, "API hash", [tenantId, id, apiId]),
  };
}

const partsOf = (binding: SessionBinding) => [binding.tenantId, binding.sessionId, binding.telegramId, binding.apiId];

/** What {@link SealedSession.fingerprint} is: sha256 of the clear session. */
export function fingerprintOf(session: string | Buffer): Buffer {
  return createHash("sha256").update(session).digest();
}

/**
 * Opens the session that was sealed last, where there is one.
 *
 * @throws OperatorError where the keyring does not open it: no start
 */
export async function assertVaultOpens(vault: Vault, database: Database): Promise<void> {
  const newest = await database.asWorker(newestSealed);
  if (!newest) return;
  try {
    vault.open(newest.sealed, newest.binding);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new OperatorError(
      `SESSION_ENCRYPTION_KEYS does not open the sessions in this database (${error.message}): give the keyring that sealed them`,
    );
  }
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
