import { dirname, join, normalize } from "node:path";

/** One row of ARCHITECTURE.md's import table. */
export interface Rule {
  /** A folder, a folder below another (its row adds to the other's), one file, or every folder's main (a star for the folder). */
  readonly where: string;
  /** Folders and files of ours whose code it may run; `*` for all but emulator and test, `**` for all. */
  readonly imports: readonly string[];
  /** Folders of which it may import types and nothing else. */
  readonly types: readonly string[];
  /** npm packages that, at run time, only rows which name them may import. */
  readonly owns: readonly string[];
  /** Whether it may read `process.env`. */
  readonly environment: boolean;
}

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly source: string;
}

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Reads the table whose first column is called "where". @throws where there is none, or a row is not as long as its header */
export function readRules(markdown: string): Rule[] {
  const lines = markdown.split("\n");
  const header = lines.findIndex((line) => /^\|\s*where\s*\|/.test(line));
  if (header < 0) throw new Error("ARCHITECTURE.md has no import table: a table whose first column is called where");
  const rules: Rule[] = [];
  for (const line of lines.slice(header + 2)) {
    if (!line.startsWith("|")) break;
    const cells = line.split("|").slice(1, -1);
    if (cells.length !== 5) throw new Error(`a row of the import table has ${cells.length} cells: ${line}`);
    const [where, imports, types, owns, environment] = cells.map((cell) => cell.replaceAll("`", "").trim());
    const names = (cell = "") => cell.split(",").flatMap((name) => name.trim() || []);
    rules.push({
      where: where ?? "",
      imports: names(imports),
      types: names(types),
      owns: names(owns),
      environment: environment === "yes",
    });
  }
  return rules;
}

/** Every breach of the rules in the files, one line each. */
export function breaches(files: readonly SourceFile[], rules: readonly Rule[]): string[] {
  const owned = new Set(rules.flatMap((rule) => rule.owns));
  return files.flatMap(({ path, source }) => {
    const own = rules.filter((rule) => appliesTo(rule.where, path));
    if (own.length === 0) return [`${path} lies in no folder of the import table`];
    const code = withoutComments(source);
    const found: string[] = [];
    if (/\bprocess\.env\b/.test(code) && !own.some((rule) => rule.environment)) found.push(`${path} reads process.env`);
    const everything = own.some((rule) => rule.imports.includes("**"));
    if (/(?:\bawait|\breturn|=>|=)\s*import\s*\(\s*[^"'\s)]/.test(code) && !everything)
      found.push(`${path} imports by a name that cannot be read here`);
    for (const { from, typeOnly } of importsOf(code)) {
      if (everything || from.startsWith("node:")) continue;
      const what = typeOnly ? "imports the types of" : "imports";
      if (!from.startsWith(".")) {
        const name = packageOf(from);
        if (owned.has(name) && !typeOnly && !own.some((rule) => rule.owns.includes(name)))
          found.push(`${path} ${what} ${name}, which is not its own`);
        continue;
      }
      const target = normalize(join(dirname(path), from));
      if (!mayImport(own, path, target, typeOnly)) found.push(`${path} ${what} ${target}`);
    }
    return found;
  });
}

function mayImport(own: readonly Rule[], path: string, target: string, typeOnly: boolean): boolean {
  const folder = topFolder(target);
  if (folder === topFolder(path)) return true;
  return own.some(
    ({ imports, types }) =>
      (imports.includes("*") && folder !== "emulator" && folder !== "test") ||
      imports.includes(folder) ||
      imports.includes(target) ||
      (typeOnly && types.includes(folder)),
  );
}

function appliesTo(where: string, path: string): boolean {
  if (where.startsWith("*/")) return path.endsWith(where.slice(1)) && path.split("/").length === 2;
  return path === where || path.startsWith(`${where}/`);
}

const topFolder = (path: string): string => path.split("/")[0] ?? "";

/** `@scope/name` or `name`, without the path within it. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/** Comments become spaces; strings (in which `//` is no comment) stay. */
function withoutComments(source: string): string {
  return source.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, text: string | undefined) => text ?? " ",
  );
}

function importsOf(code: string): Import[] {
  const found: Import[] = [];
  for (const [, type, names = "", from = ""] of code.matchAll(
    /\b(?:import|export)\s+(type\s)?([\w$*{}\s,]*?)\s*\bfrom\s*["']([^"']+)["']/g,
  )) {
    const listed = /^\{([^}]*)\}$/.exec(names.trim());
    const each = listed?.[1]?.split(",").flatMap((name) => name.trim() || []) ?? [];
    const allTypes = each.length > 0 && each.every((name) => name.startsWith("type "));
    found.push({ from, typeOnly: type !== undefined || allTypes });
  }
  for (const [, from = ""] of code.matchAll(/\bimport\s*["']([^"']+)["']/g)) found.push({ from, typeOnly: false });
  for (const [, before, from = ""] of code.matchAll(/(\btypeof\s+)?\bimport\s*\(\s*["']([^"']+)["']/g))
    found.push({ from, typeOnly: before !== undefined });
  return found;
}
