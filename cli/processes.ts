import { Command } from "commander";
import type { Config } from "../config/load.ts";
import { createLog } from "../runtime/log.ts";
import { dataDirOf, type Needs, openConfigured } from "./environment.ts";
import { withDataDir } from "./options.ts";

/**
 * `scheduler`, `worker`, `api` and `bot` are the processes that run for good: pm2, containers and `up` start them, with
 * everything configured. What is not is embedded, as for any other command, but never in production.
 */
export function schedulerCommand(): Command {
  return processCommand("scheduler", ["database", "redis", "api-ids"], async (config) => {
    const { runScheduler } = await import("../scheduler/main.ts");
    await runScheduler(config);
  });
}

export function workerCommand(): Command {
  return processCommand("worker", ["database", "redis", "api-ids", "keyring"], async (config) => {
    const { runWorker } = await import("../workers/main.ts");
    await runWorker(config);
  });
}

export function apiCommand(): Command {
  return processCommand("api", ["database", "redis"], async (config) => {
    const { runApi } = await import("../api/main.ts");
    await runApi(config);
  });
}

export function botCommand(): Command {
  return processCommand("bot", ["database", "redis", "api-ids", "keyring", "bot"], async (config) => {
    const { runBot } = await import("../bot/main.ts");
    await runBot(config);
  });
}

function processCommand(name: string, needs: Needs, run: (config: Config) => Promise<void>): Command {
  return withDataDir(new Command(name)).action(async (options: { dataDir?: string }) => {
    const log = createLog({ level: "info", name });
    const { config, services } = await openConfigured({ dataDir: dataDirOf(options), needs, log });
    try {
      for (const { service, embedded, where } of services.lines) if (embedded) log.info({ service, where }, "embedded");
      await run(config);
    } finally {
      await services.close();
    }
  });
}
