import { styleText } from "node:util";
import stringWidth from "string-width";

type Colour = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";

/** Where a command prints: its results to standard output, everything else to standard error. */
export interface Output {
  readonly json: boolean;
  /** Whether somebody watches: colours, and lines that are drawn again. */
  readonly terminal: boolean;
  /** One line for people; nothing with `--json`. */
  line(text?: string): void;
  /** The command's result: a line of JSON with `--json`, else what `human` makes of it. */
  result(value: unknown, human: () => string | readonly string[]): void;
  /** Progress and warnings, to standard error. */
  note(text: string): void;
  paint(colour: Colour, text: string): string;
}

export function createOutput(options: {
  json: boolean;
  stdout?: NodeJS.WriteStream;
  stderr?: NodeJS.WriteStream;
}): Output {
  const stdout = options.stdout ?? process.stdout;
  const stderr = options.stderr ?? process.stderr;
  const terminal = Boolean(stdout.isTTY) && !options.json;
  return {
    json: options.json,
    terminal,
    line: (text = "") => {
      if (!options.json) stdout.write(`${text}\n`);
    },
    result: (value, human) => {
      if (options.json) stdout.write(`${toJson(value)}\n`);
      else for (const text of [human()].flat()) stdout.write(`${text}\n`);
    },
    note: (text) => {
      stderr.write(`${text}\n`);
    },
    paint: (colour, text) => (terminal ? styleText(colour, text) : text),
  };
}

/** JSON with bigints as decimal strings and maps as objects: Telegram's ids do not fit JSON's numbers. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "bigint") return item.toString();
    if (item instanceof Map) return Object.fromEntries(item);
    return item;
  });
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number | bigint | null)[])[],
): string[] {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? "–" : String(cell))));
  const widths = headings.map((heading, column) =>
    Math.max(stringWidth(heading), ...cells.map((row) => stringWidth(row[column] ?? ""))),
  );
  const numeric = headings.map(
    (_, column) =>
      rows.length > 0 && rows.every((row) => ["number", "bigint"].includes(typeof row[column]) || row[column] === null),
  );
  const render = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const padding = " ".repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell)));
        return numeric[column] ? padding + cell : cell + padding;
      })
      .join("  ")
      .trimEnd();
  return [render(headings), ...cells.map(render)];
}

/** A date for people: UTC, to the second. */
export function when(date: Date | null): string | null {
  return date ? `${date.toISOString().slice(0, 19).replace("T", " ")}Z` : null;
}
