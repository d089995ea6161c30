import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { OperatorError } from "../runtime/operator-error.ts";
import { createRsaKey, type RsaKey, readRsaKey, throwawayRsaKey } from "./dc/rsa-key.ts";

const Ports = z.record(z.string(), z.number().int().min(1).max(65_535));

/** What an emulator keeps beside its world's journal, so that clients find the same Telegram after a restart. */
export interface DataDir {
  readonly rsa: RsaKey;
  /** The port that a data center had last time, 0 where it had none. */
  lastPort(dcId: number): number;
  rememberPorts(ports: readonly { readonly id: number; readonly port: number }[]): void;
}

/**
 * Opens, or begins, an emulator's directory; null keeps nothing.
 *
 * @throws OperatorError where a file in it is not what was written
 */
export function openDataDir(dir: string | null): DataDir {
  if (dir === null) return { rsa: throwawayRsaKey(), lastPort: () => 0, rememberPorts: () => {} };
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const portsFile = join(dir, "ports.json");
  const ports = readOr(portsFile, (text) => Ports.parse(JSON.parse(text)), {});
  return {
    rsa: openRsaKey(join(dir, "rsa.pem")),
    lastPort: (dcId) => ports[dcId] ?? 0,
    rememberPorts(used) {
      writeFileSync(portsFile, `${JSON.stringify(Object.fromEntries(used.map(({ id, port }) => [id, port])))}\n`);
    },
  };
}

function openRsaKey(file: string): RsaKey {
  const kept = readOr(file, readRsaKey, null);
  if (kept) return kept;
  const made = createRsaKey();
  writeFileSync(file, made.privateKeyPem, { mode: 0o600 });
  return made;
}

function readOr<T>(file: string, read: (text: string) => T, missing: T): T {
  if (!existsSync(file)) return missing;
  try {
    return read(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new OperatorError(`${file} is damaged: delete it, and the emulator makes a new one`, { cause });
  }
}
