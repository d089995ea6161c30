import { defineConfig } from "vitest/config";
import { useScratchFolder } from "./test/support/scratch-folder.ts";

// Before anything is started: workers, and the servers of the run, have it from here.
useScratchFolder();

/** What asserts on state of a whole process: its signals, its timers, what GramJS is before it is mended. */
const ISOLATED = "test/**/*.isolated.test.ts";
const TESTS = "test/**/*.test.ts";

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
    pool: "forks",
    // Much of a test's time is waiting for PostgreSQL, Redis and the wire: three keep two cores busy.
    maxWorkers: 3,
    projects: [
      // Files share a process one after the other: to load the libraries anew for each took a quarter of all time.
      { extends: true, test: { name: "shared", include: [TESTS], exclude: [ISOLATED], isolate: false } },
      { extends: true, test: { name: "isolated", include: [ISOLATED], isolate: true } },
    ],
    // Generous: a busy machine is no failure, and a hang is one all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    env: { NODE_ENV: "test", TZ: "UTC" },
  },
});
