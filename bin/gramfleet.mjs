#!/usr/bin/env node
// The command `gramfleet`: the build where there is one, else the source by tsx.
import { existsSync } from "node:fs";

hearInterruptsOnce();
const built = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  const tsx = await import("tsx/esm/api").catch(() => null);
  if (tsx === null) {
    process.stderr.write('gramfleet: not installed yet: run "npm run bootstrap" in its folder\n');
    process.exit(1);
  }
  tsx.register();
  await import(new URL("../cli/main.ts", import.meta.url).href);
}

/**
 * npm and npx send on to us the Ctrl-C that the terminal has sent us already. A second one counts as "now, at once"
 * to most commands, so what comes within half a second of the first is taken for that echo.
 */
function hearInterruptsOnce() {
  const emit = process.emit;
  let heardAt = Number.NEGATIVE_INFINITY;
  process.emit = function (event, ...rest) {
    if (event === "SIGINT") {
      const now = performance.now();
      if (now - heardAt < 500) return true;
      heardAt = now;
    }
    return emit.call(this, event, ...rest);
  };
  // With a listener always there, an echo cannot meet Node's default, which ends the process where it stands.
  process.on("SIGINT", () => {
    if (process.listenerCount("SIGINT") === 1) process.exit(130);
  });
}
