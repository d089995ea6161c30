import { styleText } from "node:util";
import { type Cell, type Colour, table } from "./table.ts";

export { type Cell, ought0, painted, state, table, when } from "./table.ts";

/** Where a command prints: its results to standard output, everything else to standard error. */
export interface Output {
  readonly json: boolean;
  /** Whether somebody watches: lines may be drawn again. */
  readonly terminal: boolean;
  /** One line for people; nothing with `--json`. */
  line(text?: string): void;
  /** The command's result: a line of JSON with `--json`, else what `human` makes of it. */
  result(value: unknown, human: () => string | readonly string[]): void;
  /** Progress and warnings, to standard error. */
  note(text: string): void;
  /** How far long work is, to standard error, where that is a terminal; each takes the last one's place, null takes it away. */
  progress(text: string | null): void;
  /** A table that fits the terminal, where there is one. */
  table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string[];
  /** Colours where there is a terminal that shows them, and NO_COLOR is not set (no-color.org). */
  paint(colour: Colour, text: string): string;
}

export function createOutput(options: {
  json: boolean;
  stdout?: NodeJS.WriteStream;
  stderr?: NodeJS.WriteStream;
  env?: NodeJS.ProcessEnv;
}): Output {
  const stdout = options.stdout ?? process.stdout;
  const stderr = options.stderr ?? process.stderr;
  const env = options.env ?? process.env;
  const terminal = Boolean(stdout.isTTY) && !options.json;
  const coloured = terminal && !env.NO_COLOR && env.TERM !== "dumb";
  const paint = (colour: Colour, text: string) =>
    coloured ? styleText(colour, text, { validateStream: false }) : text;
  let drawn = false;
  const progress = (text: string | null) => {
    if (!stderr.isTTY || env.TERM === "dumb") return;
    if (text === null && !drawn) return;
    // A line that is wider than the terminal could not be drawn again.
    stderr.write(`\r\u001b[2K${text === null ? "" : text.slice(0, Math.max(1, (stderr.columns ?? 80) - 1))}`);
    drawn = text !== null;
  };
  return {
    json: options.json,
    terminal,
    line: (text = "") => {
      if (!options.json) stdout.write(`${text}\n`);
    },
    result: (value, human) => {
      progress(null);
      if (options.json) stdout.write(`${toJson(value)}\n`);
      else for (const text of [human()].flat()) stdout.write(`${text}\n`);
    },
    note: (text) => {
      progress(null);
      stderr.write(`${text}\n`);
    },
    progress,
    table: (headings, rows) =>
      table(headings, rows, { paint, ...(terminal && stdout.columns ? { columns: stdout.columns } : {}) }),
    paint,
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
