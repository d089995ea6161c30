#!/usr/bin/env node
// The command `gramfleet`: the build where there is one, else the source by tsx.
import { existsSync } from "node:fs";

const built = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  let tsx;
  try {
    tsx = await import("tsx/esm/api");
  } catch {
    process.stderr.write('gramfleet: not installed yet: run "npm run bootstrap" in its folder\n');
    process.exit(1);
  }
  tsx.register();
  await import(new URL("../cli/main.ts", import.meta.url).href);
}
