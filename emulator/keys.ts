import { type AuthKeyStore, createAuthKeyStore, type PlantedKey } from "./dc/auth-keys.ts";
import type { AuthKeyRecord } from "./dc/service.ts";
import type { Journal } from "./world/journal.ts";

const KIND = "auth_key";

interface Entry {
  readonly keyId: bigint;
  /** Null: forgotten. */
  readonly record: AuthKeyRecord | null;
}

/** The auth keys: those that are planted, changed by what the journal says has become of them, and written down from then on. */
export function openAuthKeys(planted: readonly PlantedKey[], journal: Journal | null): AuthKeyStore {
  let recording = false;
  const keys = createAuthKeyStore({
    onChange(keyId, record) {
      if (recording) journal?.append(KIND, { keyId, record } satisfies Entry);
    },
  });
  for (const key of planted) keys.plant(key);
  for (const { payload } of journal?.replay(KIND) ?? []) {
    const { keyId, record } = payload as Entry;
    if (record) keys.plant(record);
    else keys.remove(keyId);
  }
  recording = true;
  return keys;
}
