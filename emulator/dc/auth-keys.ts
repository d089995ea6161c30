import { keyIdOf } from "./message-cipher.ts";
import type { AuthKeyRecord } from "./service.ts";

/** The auth keys of all data centers of one emulator. Each is good on its own data center only. */
export interface AuthKeyStore {
  get(keyId: bigint): AuthKeyRecord | undefined;
  all(): Iterable<AuthKeyRecord>;
  /** Keys that are logged in as this account and not ended. */
  ofAccount(accountId: bigint): AuthKeyRecord[];
  /** A key from a handshake: nobody's yet. */
  add(key: Buffer, dcId: number): AuthKeyRecord;
  /** A key that arrives logged in; the same 256 bytes stand in the client's session. Replaces a record of the same key. */
  plant(planted: PlantedKey): AuthKeyRecord;
  /** Every change of a record goes through here, so that `onChange` hears of it. */
  change(record: AuthKeyRecord, change: Partial<Pick<AuthKeyRecord, "apiId" | "accountId" | "ended">>): void;
  /** Forgets a key: its frames are then answered -404. */
  remove(keyId: bigint): void;
}

export interface PlantedKey {
  readonly key: Buffer;
  readonly dcId: number;
  readonly accountId: bigint | null;
  readonly apiId: number | null;
  readonly ended?: AuthKeyRecord["ended"];
}

/**
 * Keys in memory. `onChange` is called after a record was made or changed, and with null after it was removed: a journal
 * writes them down, and plants them again at the next start.
 */
export function createAuthKeyStore(
  options: { onChange?: (keyId: bigint, record: AuthKeyRecord | null) => void } = {},
): AuthKeyStore {
  const records = new Map<bigint, AuthKeyRecord>();
  const put = (record: AuthKeyRecord) => {
    records.set(record.keyId, record);
    options.onChange?.(record.keyId, record);
    return record;
  };
  const plant = (planted: PlantedKey) => {
    if (planted.key.length !== 256) throw new RangeError(`an auth key has 256 bytes, not ${planted.key.length}`);
    return put({
      keyId: keyIdOf(planted.key),
      key: Buffer.from(planted.key),
      dcId: planted.dcId,
      apiId: planted.apiId,
      accountId: planted.accountId,
      ended: planted.ended ?? null,
    });
  };
  return {
    get: (keyId) => records.get(keyId),
    all: () => records.values(),
    ofAccount: (accountId) =>
      [...records.values()].filter((record) => record.accountId === accountId && record.ended === null),
    add: (key, dcId) => plant({ key, dcId, accountId: null, apiId: null }),
    plant,
    change(record, change) {
      Object.assign(record, change);
      put(record);
    },
    remove(keyId) {
      if (records.delete(keyId)) options.onChange?.(keyId, null);
    },
  };
}
