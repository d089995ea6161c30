import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Generous: a busy machine is no failure, and a hang is one all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    env: { NODE_ENV: "test", TZ: "UTC" },
  },
});
