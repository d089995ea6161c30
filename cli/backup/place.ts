import { existsSync } from "node:fs";
import { join } from "node:path";
import { readBackupKey } from "../../backup/key.ts";
import type { Config } from "../../config/load.ts";
import { createLog } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createVault, type Vault } from "../../telegram/vault.ts";
import type { CommonOptions } from "../context.ts";
import { commandEnvironment, dataDirOf, openConfigured } from "../environment.ts";

/** @throws OperatorError where there is none, or it is not to be trusted */
export function backupKeyOf({ backups }: Pick<Config, "backups">): Buffer {
  if (backups.keyPath === null)
    throw new OperatorError(
      "BACKUP_ENCRYPTION_KEY_PATH is not set: make a key with (umask 077; openssl rand -base64 32 > FILE), and name its file",
    );
  return readBackupKey(backups.keyPath);
}

/** Configuration for what needs no database; the vault where a keyring is at hand. */
export async function withoutDatabase<T>(
  options: CommonOptions,
  work: (place: { readonly config: Config; readonly vault: Vault | null }) => Promise<T>,
): Promise<T> {
  const dataDir = dataDirOf(options);
  const { env } = commandEnvironment(dataDir);
  const hasKeyring = Boolean(env.SESSION_ENCRYPTION_KEYS) || existsSync(join(dataDir, "keyring"));
  const log = createLog({ level: options.verbose ? "debug" : "warn", name: "cli" });
  const { config, services } = await openConfigured({ dataDir, needs: hasKeyring ? ["keyring"] : [], log });
  try {
    return await work({ config, vault: hasKeyring ? createVault(config.keyring) : null });
  } finally {
    await services.close();
  }
}
