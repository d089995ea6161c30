import type { Config } from "./load.ts";

/** Where each of a process's transactions goes. One URL is enough for all of them: they take their roles by themselves. */
export const databaseUrls = (
  config: Pick<Config, "databaseUrl" | "databaseWorkerUrl" | "databaseOwnerUrl">,
): { readonly url: string; readonly workerUrl: string | null; readonly ownerUrl: string | null } => ({
  url: config.databaseUrl ?? "",
  workerUrl: config.databaseWorkerUrl,
  ownerUrl: config.databaseOwnerUrl,
});
