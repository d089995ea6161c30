import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { useScratchFolder } from "../support/scratch-folder.ts";

useScratchFolder();

/** Stories in a real browser, against the api as a process. Not part of `npm test`: they need chromium. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/e2e/**/*.e2e.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
    pool: "forks",
    // A browser and its page are two busy processes each.
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    env: { NODE_ENV: "test", TZ: "UTC" },
    // As other generated files, screenshots are written anew with -u.
    provide: { newScreenshots: ["-u", "--update"].some((flag) => process.argv.includes(flag)) },
  },
});
