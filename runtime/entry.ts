import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A program and its arguments, for `spawn`. */
export interface ProcessCommand {
  readonly file: string;
  readonly args: string[];
}

/** Modules that run as processes of their own, by their path from the root, without extension. */
type EntryModule = "cli/main" | "embedded/supervisor-main";

/** How to start `gramfleet <args>` as a process of its own. */
export function gramfleetCommand(args: readonly string[]): ProcessCommand {
  return moduleCommand("cli/main", args);
}

/**
 * How to start one of our modules as a process of its own: built from the build, as source (by tsx) from the source,
 * so that a process and its children are always of the same code.
 */
export function moduleCommand(module: EntryModule, args: readonly string[]): ProcessCommand {
  const here = fileURLToPath(import.meta.url);
  const root = join(dirname(here), "..");
  if (here.endsWith(".js")) return { file: process.execPath, args: [join(root, `${module}.js`), ...args] };
  const tsx = pathToFileURL(createRequire(here).resolve("tsx/esm")).href;
  return { file: process.execPath, args: ["--import", tsx, join(root, `${module}.ts`), ...args] };
}
