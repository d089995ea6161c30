import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { useScratchFolder } from "../support/scratch-folder.ts";

useScratchFolder();

/** gramfleet beside what an operator runs with it: real programs, minutes long. Not part of `npm test`. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/operate/**/*.operate.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
    pool: "forks",
    // Each file runs a fleet of its own, and programs beside it.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    env: { NODE_ENV: "test", TZ: "UTC" },
  },
});
