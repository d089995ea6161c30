import { spawn } from "node:child_process";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Compiles the whole program into `folder`/dist, as `npm run build` does for production, and gives that folder: its
 * processes start in a quarter of the time that the source's take.
 *
 * @throws with what the compiler said where nothing came of it
 */
export async function buildProgram(folder: string): Promise<string> {
  const dist = join(folder, "dist");
  const compiler = spawn(join(root, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json", "--outDir", dist], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [compiler.stdout, compiler.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  await new Promise<void>((resolve) => compiler.once("close", () => resolve()));
  // A type error elsewhere keeps nothing from being written.
  if (!existsSync(join(dist, "cli", "main.js"))) throw new Error(`the build failed: ${said}`);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
  return dist;
}

/** How to start `gramfleet <args>` from there. */
export const builtCommand = (dist: string, args: readonly string[]) => ({
  file: process.execPath,
  args: [join(dist, "cli", "main.js"), ...args],
});
