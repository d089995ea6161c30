import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "vitest";

const installed = (program: string): boolean =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => folder && existsSync(join(folder, program)));

/**
 * `describe` where all of these programs are installed. Where one is not, its tests are skipped, and the run says so; or
 * fails, with `--require` (REQUIRE_PROGRAMS).
 */
export function describeWith(...programs: readonly string[]): typeof describe.skip {
  const missing = programs.filter((program) => !installed(program));
  if (missing.length === 0) return describe;
  const line = `${missing.join(", ")} not installed: npm run bootstrap -- --full installs all that tests want`;
  if (process.env.REQUIRE_PROGRAMS) throw new Error(line);
  process.stderr.write(`gramfleet: skipped, ${line}\n`);
  return describe.skip;
}
