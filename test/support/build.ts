import { spawnSync } from "node:child_process";
import { existsSync, openSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { eventually } from "./eventually.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Gives the folder of the whole program compiled, as `npm run build` does for production: its processes start in a
 * quarter of the time. The first test file of a run that wants it builds it, the others wait.
 */
export async function builtProgram(): Promise<string> {
  const folder = inject("buildFolder");
  const dist = join(folder, "dist");
  const failure = join(folder, "failure");
  if (isFirst(join(folder, "building"))) {
    const partial = join(folder, "partial");
    const said = spawnSync(
      join(root, "node_modules", ".bin", "tsc"),
      ["-p", "tsconfig.build.json", "--outDir", partial],
      {
        cwd: root,
        encoding: "utf8",
      },
    );
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
    if (existsSync(join(partial, "cli", "main.js"))) renameSync(partial, dist);
    else writeFileSync(failure, `${said.stdout}${said.stderr}`);
  }
  await eventually(() => existsSync(dist) || existsSync(failure), { timeoutMs: 60_000, what: "the build" });
  if (existsSync(failure)) throw new Error(`the build failed: ${readFileSync(failure, "utf8")}`);
  return dist;
}

function isFirst(mark: string): boolean {
  try {
    openSync(mark, "wx");
    return true;
  } catch {
    return false;
  }
}
