import { type KeyUse, keyUse } from "../db/wrapped-keys.ts";
import { ownRedis } from "../queue/open.ts";
import { type Presence, readPresences, SILENT_AFTER_MS } from "../queue/presence.ts";
import { assertRedis } from "../queue/redis.ts";
import { createFailpoint, noFailpoint } from "../runtime/failpoint.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { idOfMark, keyMarks } from "../telegram/key-marks.ts";
import { type Rotation, rotateKeys } from "../telegram/key-rotation.ts";
import { assertKeysAreTheirs, inWords } from "../telegram/keyring-check.ts";
import { createVault } from "../telegram/vault.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { painted } from "./output.ts";

export interface RotateOptions extends CommonOptions {
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly batch: number;
}

/** Wraps every data key by the keyring's first key; with --dry-run it only tells which key holds how much. */
export async function rotate(options: RotateOptions): Promise<void> {
  await withContext(options, options.force ? ["keyring"] : ["redis", "keyring"], async (context) => {
    const { config, database, lifecycle, out } = context;
    const vault = createVault(config.keyring);
    await assertKeysAreTheirs(vault, database);
    const marks = keyMarks(config.keyring);
    const running = options.force ? [] : await runningProcesses(context);
    if (!options.dryRun) refuseBefore(running, marks);
    const before = await database.asWorker((tx) => keyUse(tx));
    const rows = before.reduce((sum, use) => sum + (use.keyId === vault.keyIds[0] ? 0 : rowsOf(use)), 0);
    let rotation: Rotation | null = null;
    if (!options.dryRun) {
      const rotating = rotateKeys({
        ...{ database, vault, batch: options.batch, signal: lifecycle.signal },
        failpoint: config.faults.failpoint ? createFailpoint(config.faults.failpoint) : noFailpoint,
        onProgress: (done) => out.progress(`${done} of ${rows} wrapped by ${vault.keyIds[0]}`),
      });
      // What ends the command waits for the batch that is under way.
      lifecycle.own("rotation", rotating, async (under) => void (await under.catch(() => undefined)));
      rotation = await rotating;
      if (rotation.interrupted)
        return out.note(`stopped after ${done(rotation)} rows: the same command goes on from there`);
    }
    const after = await database.asWorker((tx) => keyUse(tx));
    const told = tell({ keyIds: vault.keyIds, marks, running, after });
    out.result({ ...told, rewrapped: rotation?.rewrapped ?? null, refused: rotation?.refused ?? null }, () => [
      ...out.table(
        ["key", "in the keyring", "sessions", "own API IDs", "encrypts in"],
        told.keys.map((key) => [
          key.keyId,
          key.place === null ? painted("red", "no") : key.place === 1 ? "first" : "yes",
          key.sessions,
          key.ownApiIds,
          key.encryptsIn.join(", ") || null,
        ]),
      ),
      ...(rotation ? [`${done(rotation)} rows wrapped by ${vault.keyIds[0]}`] : []),
      ...inSentences(told, rotation),
    ]);
    if (rotation && rotation.left.length > 0) process.exitCode = 1;
  });
}

interface Told {
  readonly keys: readonly (KeyUse & {
    /** In the keyring, counted from 1; null where it is not in it. */
    readonly place: number | null;
    /** The running processes that seal by it. */
    readonly encryptsIn: readonly string[];
  })[];
  /** Keys of the keyring that no row needs and no process seals by. */
  readonly mayGo: readonly string[];
}

function tell(facts: {
  readonly keyIds: readonly string[];
  readonly marks: readonly string[];
  readonly running: readonly Presence[];
  readonly after: readonly KeyUse[];
}): Told {
  const { keyIds, running, after } = facts;
  const ids = [...new Set([...keyIds, ...after.map(({ keyId }) => keyId)])];
  const keys = ids.map((keyId) => ({
    ...(after.find((use) => use.keyId === keyId) ?? { keyId, sessions: 0, ownApiIds: 0 }),
    place: keyIds.includes(keyId) ? keyIds.indexOf(keyId) + 1 : null,
    encryptsIn: running.filter((process) => idOfMark(process.keys[0] ?? "") === keyId).map(nameOf),
  }));
  const idle = keys.filter((key) => (key.place ?? 1) > 1 && rowsOf(key) === 0 && key.encryptsIn.length === 0);
  return { keys, mayGo: idle.map(({ keyId }) => keyId) };
}

function inSentences({ keys, mayGo }: Told, rotation: Rotation | null): string[] {
  const lines: string[] = [];
  const refused = [...(rotation?.refused.sessionIds ?? []), ...(rotation?.refused.ownApiIds ?? [])];
  if (refused.length > 0)
    lines.push(
      `${refused.length} rows do not open by the key that they name, and stay: ${refused.slice(0, 5).join(", ")}${refused.length > 5 ? ", …" : ""}`,
    );
  const lacking = keys.filter(({ place }) => place === null);
  if (lacking.length > 0)
    lines.push(`not in SESSION_ENCRYPTION_KEYS: ${lacking.map(inWords).join("; ")}: add it behind the others`);
  const old = keys.filter(({ place, encryptsIn }) => place !== 1 && encryptsIn.length > 0);
  for (const { keyId, encryptsIn } of old)
    lines.push(`${encryptsIn.join(", ")} still encrypts by ${keyId}: start it with the new key first, then this again`);
  if (mayGo.length > 0) lines.push(`no longer needed here: ${mayGo.join(", ")} (docs/keys.md says when it may go)`);
  return lines;
}

async function runningProcesses({ config, lifecycle, log }: CommandContext): Promise<Presence[]> {
  const redis = ownRedis(lifecycle, config, "producer", log);
  await assertRedis(redis);
  const presences = await readPresences(redis, config.redisPrefix);
  return presences.filter(({ ageMs, keys }) => ageMs <= SILENT_AFTER_MS && keys.length > 0);
}

/** @throws OperatorError where a process runs that would open nothing any more */
function refuseBefore(running: readonly Presence[], [first = ""]: readonly string[]): void {
  const lacking = running.filter(({ keys }) => !keys.includes(first));
  if (lacking.length === 0) return;
  const another = lacking.some(({ keys }) => keys.some((mark) => idOfMark(mark) === idOfMark(first)));
  throw new OperatorError(
    `${lacking.map(nameOf).join(", ")} ${another ? "has another key under the name" : "lacks the key"} ${idOfMark(first)}, and would open nothing any more: start it with the same SESSION_ENCRYPTION_KEYS first (docs/keys.md)`,
  );
}

const rowsOf = (use: KeyUse): number => use.sessions + use.ownApiIds;
const done = ({ rewrapped }: Rotation): number => rewrapped.sessions + rewrapped.ownApiIds;
const nameOf = ({ role, host, pid }: Presence): string => `${role} ${pid} on ${host}`;
