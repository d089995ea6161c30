/** One instruction, its continued lines joined. */
export interface Instruction {
  readonly line: number;
  /** In capitals. */
  readonly name: string;
  /** What follows the name and its flags. */
  readonly value: string;
  /** `--from=build` as from: "build". */
  readonly flags: Readonly<Record<string, string>>;
}

export interface Stage {
  /** Its name, or its number from 0. */
  readonly name: string;
  /** The image or stage that it begins with, arguments filled in. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** ARG before the first FROM. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

/** Reads a Dockerfile (docs.docker.com/reference/dockerfile): no heredocs, no other escape than the backslash. @throws on any other line */
export function parseDockerfile(text: string): Dockerfile {
  const args: Record<string, string> = {};
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === "FROM") {
      const [image = "", as, name] = instruction.value.split(/\s+/);
      const base = image.replace(/\$\{?(\w+)\}?/g, (_, arg: string) => args[arg] ?? "");
      stages.push({ name: as && name ? name : String(stages.length), base, instructions: [] });
    } else if (stage) stage.instructions.push(instruction);
    else if (instruction.name === "ARG") {
      const [name = "", ...value] = instruction.value.split("=");
      args[name] = value.join("=");
    } else throw new Error(`line ${instruction.line}: ${instruction.name} before the first FROM`);
  }
  return { args, stages };
}

function instructionsOf(text: string): Instruction[] {
  const found: Instruction[] = [];
  let open: { line: number; text: string } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    open = open ? { line: open.line, text: `${open.text} ${line.trim()}` } : { line: index + 1, text: line.trim() };
    if (open.text.endsWith("\\")) {
      open.text = open.text.slice(0, -1).trimEnd();
      continue;
    }
    found.push(instructionOf(open.line, open.text));
    open = null;
  }
  if (open) throw new Error(`line ${open.line} goes on after the end`);
  return found;
}

function instructionOf(line: number, text: string): Instruction {
  const [, name, given = ""] = /^([A-Za-z]+)\s+(.*)$/.exec(text) ?? [];
  if (!name) throw new Error(`line ${line} is no instruction: ${text}`);
  const flags: Record<string, string> = {};
  const value = given.replace(/^(--[\w-]+(=\S+)?\s+)+/, (all) => {
    for (const [, flag = "", set = ""] of all.matchAll(/--([\w-]+)(?:=(\S+))?/g)) flags[flag] = set;
    return "";
  });
  return { line, name: name.toUpperCase(), value, flags };
}

/** The words of an exec form (`["node", "x"]`); null for a shell form. */
export function execForm(value: string): readonly string[] | null {
  try {
    const words: unknown = JSON.parse(value);
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : null;
  } catch {
    return null;
  }
}

/** The variables of an ENV instruction. */
export function envOf({ value }: Instruction): Record<string, string> {
  return Object.fromEntries([...value.matchAll(/(\w+)=("[^"]*"|\S*)/g)].map(([, name = "", set = ""]) => [name, set]));
}

/**
 * Whether a .dockerignore keeps `path` out of the context: the last pattern that matches it, or a folder that it lies in,
 * decides, as Docker has it.
 */
export function ignores(dockerignore: string, path: string): boolean {
  const parts = path.split("/");
  const ways = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  let ignored = false;
  for (const line of dockerignore.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const negated = line.startsWith("!");
    const pattern = patternOf(line.slice(negated ? 1 : 0).replace(/^\/|\/$/g, ""));
    if (ways.some((way) => pattern.test(way))) ignored = !negated;
  }
  return ignored;
}

function patternOf(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(
      /\*\*\/|\*\*|\*|\?/g,
      (wild) => ({ "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" })[wild] ?? wild,
    );
  return new RegExp(`^${source}$`);
}
