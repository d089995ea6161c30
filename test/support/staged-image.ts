import { spawnSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Dockerfile, envOf, type Instruction, ignores, parseDockerfile } from "./dockerfile.ts";

/** What an image has beyond its base, in a folder instead. */
export interface StagedImage {
  /** Its root folder: `/app` lies in it as `app`. */
  readonly folder: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it adds to its base, as blocks of a file system. */
  readonly bytes: number;
}

/**
 * Does what a Dockerfile says, where there is no Docker: copies what its COPY lines name (of the context that
 * .dockerignore leaves), and runs its RUN lines, each stage in a folder of its own below `folder`.
 *
 * @throws where a line fails, or is none that is known here
 */
export function stageImage(root: string, folder: string): StagedImage {
  const dockerfile = parseDockerfile(readFileSync(join(root, "Dockerfile"), "utf8"));
  const context = contextOf(root, readFileSync(join(root, ".dockerignore"), "utf8"));
  const staged = new Map<string, StagedImage>();
  let last: StagedImage | undefined;
  for (const stage of dockerfile.stages) {
    last = runStage(stage, { root, context, folder: join(folder, stage.name), staged });
    staged.set(stage.name, last);
  }
  if (!last) throw new Error("there is no FROM");
  return { ...last, bytes: sizeOf(last.folder) };
}

interface Surroundings {
  readonly root: string;
  readonly context: readonly string[];
  readonly folder: string;
  readonly staged: ReadonlyMap<string, StagedImage>;
}

/** What says how it runs, and leaves no trace in its files. */
const SAYS_HOW = new Set(["USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ARG", "LABEL"]);

function runStage({ instructions }: Dockerfile["stages"][number], around: Surroundings): StagedImage {
  const { folder } = around;
  const env: Record<string, string> = {};
  let workdir = folder;
  mkdirSync(folder, { recursive: true });
  for (const instruction of instructions) {
    const { name, value, line } = instruction;
    if (name === "WORKDIR") {
      workdir = join(folder, value);
      mkdirSync(workdir, { recursive: true });
    } else if (name === "ENV") Object.assign(env, envOf(instruction));
    else if (name === "COPY") copy(instruction, workdir, around);
    else if (name === "RUN") run(value, workdir, env);
    else if (!SAYS_HOW.has(name)) throw new Error(`line ${line}: ${name} is not known here`);
  }
  return { folder, workdir, env, bytes: 0 };
}

function copy({ value, flags, line }: Instruction, workdir: string, around: Surroundings): void {
  const words = value.split(/\s+/);
  const target = words.pop() ?? "";
  const destination = target.startsWith("/") ? join(around.folder, target) : join(workdir, target);
  for (const source of words) {
    // A file goes into a folder, and the content of a folder into a folder.
    const into = (name: string) => (/\/$|^\.\/?$/.test(target) ? join(destination, name) : destination);
    if (flags.from !== undefined) {
      const from = around.staged.get(flags.from);
      if (!from) throw new Error(`line ${line}: there is no stage ${flags.from}`);
      cpSync(join(from.folder, source), destination, { recursive: true, verbatimSymlinks: true });
      continue;
    }
    const files = around.context.filter((path) => source === "." || path === source || path.startsWith(`${source}/`));
    if (files.length === 0) throw new Error(`line ${line}: ${source} is not in the context`);
    for (const path of files) {
      const within = source === "." ? path : path.slice(source.length + 1);
      const name = source.split("/").at(-1) ?? "";
      cpSync(join(around.root, path), within === "" ? into(name) : join(destination, within));
    }
  }
}

function run(command: string, cwd: string, env: Readonly<Record<string, string>>): void {
  const { PATH, HOME } = process.env;
  const ran = spawnSync("sh", ["-c", command], { cwd, env: { PATH, HOME, ...env }, encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`RUN ${command}: ${ran.stdout}${ran.stderr}`);
}

/** Every file that a build may copy. */
function contextOf(root: string, dockerignore: string): string[] {
  const found: string[] = [];
  const walk = (below: string) => {
    for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
      const path = below ? `${below}/${entry.name}` : entry.name;
      // No pattern here lets in what lies in a folder that is out.
      if (ignores(dockerignore, path)) continue;
      if (entry.isDirectory()) walk(path);
      else found.push(path);
    }
  };
  walk("");
  return found;
}

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  const within = stat.isDirectory() ? readdirSync(path).map((name) => sizeOf(join(path, name))) : [];
  return within.reduce((sum, size) => sum + size, stat.blocks * 512);
}
