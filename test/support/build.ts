import { existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { buildProgram } from "../../faults/build.ts";
import { eventually } from "./eventually.ts";

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
    mkdirSync(partial);
    await buildProgram(partial).then(
      () => symlinkSync(join(partial, "dist"), dist),
      (error: unknown) => writeFileSync(failure, String(error)),
    );
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
