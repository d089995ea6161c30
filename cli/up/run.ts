import { databaseUrls } from "../../config/database-urls.ts";
import { loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import { migrate } from "../../db/migrate.ts";
import { databaseNow } from "../../db/overview.ts";
import { lockDataDir } from "../../embedded/lock.ts";
import { openServices, type ServiceLine } from "../../embedded/services.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { createLog } from "../../runtime/log.ts";
import { createVault } from "../../telegram/vault.ts";
import { DEFAULT_TENANT } from "../context.ts";
import { checkVariables } from "../environment.ts";
import { type Output, table } from "../output.ts";
import { openQueues } from "../queues.ts";
import { DEFAULT_DATABASE, type WorldChoice, worldOf, writeCurrentWorld } from "../world.ts";
import { beginArrival, emulatedBotToken, VISITOR } from "./arrival.ts";
import { type Child, startChild } from "./children.ts";
import { type EmulatedTelegram, startEmulated } from "./emulated.ts";
import { finish } from "./finish.ts";
import { writeScrapeTargets } from "./scrape-targets.ts";
import { seedAccounts } from "./seed.ts";
import { describe, exitCodeOf } from "./summary.ts";
import { watch } from "./watch.ts";
import { openWitness, type Witness } from "./witness.ts";

export interface UpOptions {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
  readonly choice: WorldChoice;
  readonly pace: number;
  /** Null: until Ctrl-C. */
  readonly forSeconds: number | null;
  readonly workers: number;
  readonly logDir: string;
}

const CHILD_GRACE_MS = 30_000;

/** Runs the whole of gramfleet on this machine and gives the exit code. */
export async function runUp(options: UpOptions): Promise<0 | 1> {
  const { out } = options;
  const log = createLog({ level: "warn", name: "up" });
  const lifecycle = new Lifecycle(log);
  const interrupt = interruption(() => {
    void lifecycle.close().then(() => process.exit(130));
  });
  try {
    const emulated = !options.env.MASTER_API_IDS && options.env.NODE_ENV !== "production";
    checkVariables(options.env, ["database", "redis", ...(emulated ? [] : (["api-ids"] as const)), "keyring"]);
    lifecycle.own("data directory", await lockDataDir(options.dataDir), (lock) => lock.release());
    const world = worldOf(options.dataDir, options.choice);
    const starting = (what: string) => out.terminal && out.note(out.paint("dim", `starting ${what}`));
    starting("PostgreSQL and Redis, as far as they are not yours");
    const services = lifecycle.own(
      "services",
      await openServices({
        env: options.env,
        dataDir: options.dataDir,
        database: emulated ? world.database : DEFAULT_DATABASE,
        log,
      }),
      (opened) => opened.close(),
    );
    if (emulated) starting("the emulated Telegram");
    const telegram = emulated
      ? lifecycle.own(
          "emulator",
          await startEmulated({
            world,
            choice: options.choice,
            pace: options.pace,
            env: services.env,
            logFile: `${options.logDir}/emulator.log`,
            botToken: emulatedBotToken(),
          }),
          (emulator) => emulator.close(),
        )
      : null;
    const env = { ...services.env, ...telegram?.env };
    if (telegram) writeCurrentWorld(options.dataDir, { ...world, env: telegram.env });
    const config = loadConfig(env, ["database", "redis", "api-ids", "keyring"]);
    await migrate(config.databaseOwnerUrl ?? "");
    const database = lifecycle.own(
      "database",
      openDatabase({
        ...databaseUrls(config),
        poolSize: 8,
        fencedStatementMs: config.limits.fencedStatementMs,
        log,
      }),
      (opened) => opened.close(),
    );
    const witness: Witness | null = telegram ? await openWitness(telegram.control) : null;
    const accounts = (await witness?.accounts())?.filter(({ telegramId }) => telegramId !== VISITOR.id) ?? [];
    if (accounts.length > 0)
      await seedAccounts({
        ...{ database, accounts, vault: createVault(config.keyring), tenantId: DEFAULT_TENANT },
        now: new Date(),
        spreadMs: config.intervals.premiumMs,
      });
    const producer = await openQueues({ config, lifecycle, log });
    // What counts begins here, while --for counts from ready: the first parses come before.
    const since = await database.asWorker(databaseNow);
    starting(`a scheduler and workers: ${options.workers}`);
    const children = startFleet(lifecycle, env, options);
    const ports = await Promise.all(children.map(async (child) => (await child.ready).port));
    const targets = lifecycle.own("scrape targets", writeScrapeTargets(options.dataDir, children, ports), (written) =>
      written.remove(),
    );
    sayWhatIsReal(out, [...services.lines, telegramLine(telegram)], telegram ? options.pace : null, [
      `for Prometheus, as file_sd: ${targets.file}`,
      `logs are under ${options.logDir}`,
      ...accounts
        .slice(0, 1)
        .map((one) => `somebody's posts, in another terminal: npx gramfleet tail ${one.telegramId}`),
    ]);
    // Ready: --for counts from here.
    const depthFree = config.historyDepthFree;
    const news: string[] = [];
    const watched = { database, producer, witness, children, ports, telegram, out, since, depthFree, news };
    const arriving =
      telegram &&
      beginArrival({ ...{ database, producer, env, news }, logDir: options.logDir, control: telegram.control });
    if (arriving) lifecycle.own("arrival", arriving, async (begun) => void (await begun.end()));
    const lag = await watch({ ...watched, forSeconds: options.forSeconds, signal: interrupt.signal });
    interrupt.again();
    const arrival = (await arriving?.end()) ?? null;
    const { summary, examples } = await finish({ ...watched, lag, arrival });
    out.result(summary, () => describe(out, summary, examples));
    if (out.json) for (const example of examples) out.note(`! ${example}`);
    return exitCodeOf(summary);
  } finally {
    interrupt.done();
    await lifecycle.close();
  }
}

/** Workers first, so that what the scheduler enqueues finds them. */
function startFleet(lifecycle: Lifecycle, env: NodeJS.ProcessEnv, options: UpOptions): Child[] {
  const names = [...Array.from({ length: options.workers }, (_, index) => `worker-${index + 1}`), "scheduler"];
  return names.map((name) =>
    lifecycle.own(
      name,
      startChild({
        name,
        args: [name.startsWith("worker") ? "worker" : "scheduler"],
        env: { ...env, METRICS_PORT: "0" },
        logFile: `${options.logDir}/${name}.log`,
      }),
      (child) => child.stop(CHILD_GRACE_MS),
    ),
  );
}

const telegramLine = (telegram: EmulatedTelegram | null): ServiceLine =>
  telegram
    ? { service: "Telegram", embedded: true, where: telegram.where }
    : { service: "Telegram", embedded: false, where: "Telegram's data centers" };

function sayWhatIsReal(
  out: Output,
  lines: readonly ServiceLine[],
  pace: number | null,
  whereToLook: readonly string[],
): void {
  const text = [
    ...table(
      ["service", "is", "where"],
      lines.map((line) => [line.service, line.embedded ? "embedded" : "real", line.where]),
    ),
    ...(pace === null
      ? []
      : [
          `emulated at --pace ${pace}: 15 minutes pass in ${Math.round((15 * 60) / pace)} s; leases and deadlines stay real`,
        ]),
    ...whereToLook,
    "",
  ];
  for (const one of text) out.json ? out.note(one) : out.line(one);
}

/** The first Ctrl-C ends the watching, the second one everything. */
function interruption(final: () => void): { signal: AbortSignal; again: () => void; done: () => void } {
  const controller = new AbortController();
  let finishing = false;
  const onSignal = () => {
    if (controller.signal.aborted || finishing) return final();
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    again: () => {
      finishing = true;
    },
    done: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
