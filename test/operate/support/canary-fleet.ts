import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { sql } from "kysely";
import { seedAccounts } from "../../../cli/up/seed.ts";
import { loadConfig } from "../../../config/load.ts";
import { openDatabase } from "../../../db/client.ts";
import type { Faults } from "../../../emulator/dc/faults.ts";
import { type Emulator, startEmulator } from "../../../emulator/start.ts";
import { createRandom } from "../../../emulator/world/random.ts";
import { mutateFrames } from "../../../faults/mutations.ts";
import { silentLog } from "../../../runtime/log.ts";
import { createVault } from "../../../telegram/vault.ts";
import { eventually } from "../../support/eventually.ts";
import { gramfleet, type Ran, type Running, startGramfleet } from "../../support/gramfleet.ts";
import type { Secret } from "../../support/secret-search.ts";
import { type Places, startDumpedServices } from "./dumped-services.ts";

const PREFIX = "canary";
const API_IDS = [920_001, 920_002, 920_003];
/** Connections that the data center cuts. */
const CUTS = 20;
/** Of so many accounts each connection has one frame that cannot be read, until that is stopped. */
const MUTATED = 12;

export type Account = Emulator["accounts"][number];

/**
 * A fleet of processes whose every secret is known, on servers of its own. Of the emulated people all but the last have
 * sessions here, and the last but one has the last one's key. Close it.
 *
 * @param dir for files of the fleet's own
 */
export async function startCanaryFleet({ dir, sessions }: { readonly dir: string; readonly sessions: number }) {
  const services = await startDumpedServices();
  const backupKey = randomBytes(32);
  const keys = { k1: randomBytes(32), k2: randomBytes(32) };
  const apiIds = API_IDS.map((apiId) => ({ apiId, apiHash: randomBytes(16).toString("hex") }));
  const mutated = new Set<bigint>();
  const mutating = mutateFrames(createRandom(PREFIX), (id) => !mutated.has(id));
  const cuts = new Set<number>();
  const faults: Faults & { cutting: boolean } = {
    ...mutating.faults,
    cutting: true,
    // In its first frames, and within one of them.
    cutAfterBytes: (connectionId) =>
      faults.cutting && cuts.size < CUTS
        ? { [connectionId % 2 ? "sent" : "received"]: 90 + 37 * cuts.size }
        : undefined,
    onCut: (connectionId) => void cuts.add(connectionId),
  };
  const emulator = await startEmulator({
    ...{ dir: null, worldFiles: [], pace: 1, postsPerMinute: 60, buckets: null, log: silentLog },
    ...{ users: sessions + 2, channels: 4, seed: randomBytes(8).toString("hex"), apiIds, faults },
  });
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  const backupKeyFile = join(dir, "backup.key");
  writeFileSync(backupKeyFile, backupKey.toString("base64"), { mode: 0o600 });
  const keyring = (...ids: (keyof typeof keys)[]) => ids.map((id) => `${id}:${keys[id].toString("base64")}`).join(",");
  const env = {
    LOG_LEVEL: "trace",
    ...{ DATABASE_URL: services.url, DATABASE_POOL_SIZE: "8", REDIS_URL: services.redisUrl, REDIS_PREFIX: PREFIX },
    MASTER_API_IDS: apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: apiIds.map(({ apiHash }) => apiHash).join(","),
    API_CALLS_PER_SECOND: "10000",
    SESSION_ENCRYPTION_KEYS: keyring("k1", "k2"),
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    ...{ TELEGRAM_DC_PUBLIC_KEY: publicKey, TIMES_DIVISOR: "4", METRICS_PORT: "0", API_PORT: "0" },
    ...{ BACKUP_ENCRYPTION_KEY_PATH: backupKeyFile, BACKUP_DIR: join(dir, "backups") },
  };
  const database = openDatabase({ url: services.url, poolSize: 4, fencedStatementMs: 5_000, log: silentLog });
  const [stranger, mismatched] = [emulator.accounts.at(-1), emulator.accounts.at(-2)];
  if (!stranger || !mismatched) throw new Error("nobody is there");
  for (const { telegramId } of emulator.accounts.slice(0, MUTATED)) mutated.add(telegramId);
  await seedAccounts({
    ...{ database, vault: createVault(loadConfig(env).keyring), tenantId: "default", now: new Date() },
    accounts: [...emulator.accounts.slice(0, -2), { ...mismatched, session: stranger.session }],
  });

  const secrets = emulator.accounts.flatMap(({ telegramId, session }): [string, Secret][] => [
    ...emulator.keys.ofAccount(telegramId).map(({ key }): [string, Secret] => [`key of ${telegramId}`, key]),
    // What all of a data center's have in common is left out.
    [`session of ${telegramId}`, session.slice(32)],
  ]);
  secrets.push(
    ...apiIds.map(({ apiId, apiHash }): [string, Secret] => [`API hash of ${apiId}`, apiHash]),
    ...Object.entries(keys).map(([id, key]): [string, Secret] => [`key ${id} of the keyring`, key]),
    ["backup key", backupKey],
  );
  const processes: { readonly name: string; readonly running: Running }[] = [];
  const ran: Ran[] = [];
  const logs = () =>
    [
      ...processes.map(({ running }) => running.stdout() + running.stderr()),
      ...ran.map(({ stdout, stderr }) => stdout + stderr),
    ].join("\n");

  return {
    ...{ services, emulator, database, env, keyring, faults, mismatched, cuts, mutatedFrames: mutating.frames, logs },
    stopMutating: mutating.stop,
    /** Everything that is to be nowhere, by name: also the keys that were made since the start. */
    secrets: (): [string, Secret][] => [
      ...secrets,
      ...[...emulator.keys.all()].map(({ key, keyId }): [string, Secret] => [`key ${keyId}`, key]),
    ],
    /** Starts a process of the fleet, and waits until it works. */
    async start(name: "scheduler" | "worker" | "api", more: NodeJS.ProcessEnv = {}): Promise<Running> {
      const running = startGramfleet([name], { env: { ...env, ...more } });
      processes.push({ name, running });
      await running.ready();
      return running;
    },
    /** Runs a command to its end; what it says is searched with everything else. */
    async command(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ran> {
      // A process that runs for good takes no options.
      const said = args.length > 1 ? [...args, "--verbose"] : args;
      const ended = await gramfleet(said, { env: { ...env, ...more } });
      ran.push(ended);
      return ended;
    },
    /** Waits until a line of a log, of any process, matches. */
    happened: (line: RegExp, timeoutMs = 60_000) =>
      eventually(() => line.test(logs()), { timeoutMs, everyMs: 200, what: `a line like ${line.source}` }),
    query: async <T>(text: ReturnType<typeof sql<T>>) => (await database.asOwner((tx) => text.execute(tx))).rows,
    /** The metrics that each process serves now. */
    async metrics(): Promise<Places> {
      const pages: Places = {};
      for (const { name, running } of processes) {
        const port = /"port":(\d+)[^\n]*"msg":"\w+ started"/.exec(running.stderr())?.[1];
        const page = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
        if (page) pages[`metrics of ${name} ${running.pid}`] = Buffer.from(await page.text());
      }
      return pages;
    },
    /** Ends the processes, in order. */
    async stop(): Promise<void> {
      for (const { running } of processes) running.signal("SIGTERM");
      await Promise.all(processes.map(({ running }) => running.ended));
    },
    async close(): Promise<void> {
      await database.close();
      await emulator.close();
      await services.close();
    },
  };
}

export type CanaryFleet = Awaited<ReturnType<typeof startCanaryFleet>>;
