import { readFileSync, statSync } from "node:fs";
import { OperatorError } from "../runtime/operator-error.ts";

const KEY_BYTES = 32;
const MAKE_ONE = "make one with (umask 077; openssl rand -base64 32 > FILE)";

/**
 * The key that archives are sealed with: a file of 32 bytes, as they are or in base64. Its group may read it, since that
 * is how an orchestrator gives a secret to a user; others may not, and nobody else may write it.
 *
 * @throws OperatorError where it cannot be read, is no key, or others may read it
 */
export function readBackupKey(path: string): Buffer {
  const { bytes, mode } = load(path);
  if ((mode & 0o027) !== 0)
    throw new OperatorError(`BACKUP_ENCRYPTION_KEY_PATH names a file that others may read or write: chmod 600 ${path}`);
  const key = bytes.length === KEY_BYTES ? bytes : fromBase64(bytes.toString("latin1").trim());
  if (!key)
    throw new OperatorError(
      `BACKUP_ENCRYPTION_KEY_PATH names a file that is no key (32 bytes, as they are or in base64): ${MAKE_ONE}`,
    );
  return key;
}

function load(path: string): { bytes: Buffer; mode: number } {
  try {
    return { bytes: readFileSync(path), mode: statSync(path).mode };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new OperatorError(`BACKUP_ENCRYPTION_KEY_PATH names a file that cannot be read (${code}): ${MAKE_ONE}`, {
      cause: error,
    });
  }
}

function fromBase64(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return null;
  return Buffer.from(text, "base64");
}
