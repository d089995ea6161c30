#!/usr/bin/env node
// The command `gramfleet`: in production the build where there is one, else the source by tsx, never a build that is
// older than the source beside it.
import { existsSync } from "node:fs";

hearInterruptsOnce();
const built = new URL("../dist/cli/main.js", import.meta.url);
const source = new URL("../cli/main.ts", import.meta.url);
const hasBuild = existsSync(built);
const tsx =
  existsSync(source) && !(hasBuild && process.env.NODE_ENV === "production")
    ? await import("tsx/esm/api").catch(() => null)
    : null;
if (tsx !== null) {
  tsx.register();
  await import(source.href);
} else if (hasBuild) {
  await import(built.href);
} else {
  process.stderr.write('gramfleet: not installed yet: run "npm run bootstrap" in its folder\n');
  process.exit(1);
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
