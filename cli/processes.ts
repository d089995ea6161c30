import { Command } from "commander";
import { loadConfig } from "../config/load.ts";

/**
 * `scheduler`, `worker` and `api` are the processes that run for good. They take everything from the environment and embed
 * nothing: pm2, containers and `up` start them.
 */
export function schedulerCommand(): Command {
  return new Command("scheduler").description("run a scheduler: enqueues the parses that are due").action(async () => {
    const config = loadConfig(process.env, ["database", "redis", "api-ids"]);
    const { runScheduler } = await import("../scheduler/main.ts");
    await runScheduler(config);
  });
}

export function workerCommand(): Command {
  return new Command("worker").description("run a worker: parses what is enqueued").action(async () => {
    const config = loadConfig(process.env, ["database", "redis", "api-ids", "keyring"]);
    const { runWorker } = await import("../workers/main.ts");
    await runWorker(config);
  });
}

export function apiCommand(): Command {
  return new Command("api").description("run the api: the fleet's status over HTTP").action(async () => {
    const config = loadConfig(process.env, ["database", "redis"]);
    const { runApi } = await import("../api/main.ts");
    await runApi(config);
  });
}
