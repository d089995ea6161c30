import stringWidth from "string-width";
import { printable } from "./printable.ts";

export type Colour = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";

/** A date is shown in UTC, to the second; shorter where the terminal is too narrow. */
type Value = string | number | bigint | Date;

/** A cell in a colour, where there are colours. */
export interface Painted {
  readonly value: Value;
  readonly colour: Colour;
}

export type Cell = Value | Painted | null;

/** In this colour, where there is anything. */
export const painted = (colour: Colour, value: Value | null): Cell => (value === null ? null : { value, colour });

/** What an operator has to see at once: states in which nothing goes on, or not as it should. */
const TELLING: Readonly<Record<string, Colour>> = {
  ...{ STALE: "red", REVOKED: "red", failed: "red", lost: "red", down: "red", "no access": "red" },
  ...{ degraded: "yellow", waiting: "yellow", paused: "yellow", ABSENT: "yellow" },
  ...{ PENDING_QR: "yellow", PENDING_CODE: "yellow", PENDING_PASSWORD: "yellow" },
  ...{ AUTHORIZED: "green", done: "green", ok: "green" },
};

/** A word for a state, in the colour that it has everywhere. */
export const state = (word: string | null): Cell => {
  const colour = word === null ? undefined : TELLING[word];
  return colour === undefined ? word : painted(colour, word);
};

/** A count of what ought not to be there: in red where it is not 0. */
export const ought0 = (count: number): Cell => (count === 0 ? 0 : painted("red", count));

/** Where a table is drawn: how many columns there are, and what paints. Nothing given: as wide as it likes, without colours. */
export interface Screen {
  readonly columns?: number;
  readonly paint?: (colour: Colour, text: string) => string;
}

const BETWEEN = "  ";
/** No text is cut below this: what is left would say nothing. */
const SHORTEST = 12;

/**
 * Columns as wide as their widest cell; numbers to the right. Where that is wider than the screen, dates are shortened
 * first, then the widest texts cut.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { columns = Number.POSITIVE_INFINITY, paint = (_, text) => text }: Screen = {},
): string[] {
  const whole = rows.map((row) => row.map((cell) => textOf(cell, when)));
  const cells =
    totalOf(widthsOf(headings, whole)) > columns ? rows.map((row) => row.map((cell) => textOf(cell, shortly))) : whole;
  const numeric = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column] ?? null) || row[column] === null),
  );
  const widths = narrowed(
    widthsOf(headings, cells),
    headings.map((heading, column) => {
      const whole = numeric[column] || rows.some((row) => valueIn(row[column] ?? null) instanceof Date);
      return whole ? Number.POSITIVE_INFINITY : Math.max(SHORTEST, stringWidth(heading));
    }),
    columns,
  );
  const render = (row: readonly string[], colourOf: (column: number) => Colour | undefined) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const text = cut(cell, width);
        const padding = " ".repeat(Math.max(0, width - stringWidth(text)));
        const colour = colourOf(column);
        const painted = colour === undefined ? text : paint(colour, text);
        if (numeric[column]) return padding + painted;
        return column === headings.length - 1 ? painted : painted + padding;
      })
      .join(BETWEEN)
      .trimEnd();
  return [
    render(headings, () => "dim"),
    ...cells.map((row, index) => render(row, (column) => colourIn(rows[index]?.[column] ?? null))),
  ];
}

/** A date for people: UTC, to the second. */
export function when(date: Date): string;
export function when(date: Date | null): string | null;
export function when(date: Date | null): string | null {
  return date ? `${date.toISOString().slice(0, 19).replace("T", " ")}Z` : null;
}

/** The time alone where it is of today, else without its seconds and year. */
function shortly(date: Date): string {
  const [day = "", time = ""] = date.toISOString().split("T");
  if (day === new Date().toISOString().slice(0, 10)) return `${time.slice(0, 8)}Z`;
  return `${Math.abs(date.getTime() - Date.now()) < 180 * 86_400_000 ? day.slice(5) : day} ${time.slice(0, 5)}Z`;
}

const isPainted = (cell: Cell): cell is Painted =>
  typeof cell === "object" && cell !== null && !(cell instanceof Date) && "colour" in cell;

const valueIn = (cell: Cell): Value | null => (isPainted(cell) ? cell.value : cell);

const isNumber = (cell: Cell): boolean => ["number", "bigint"].includes(typeof valueIn(cell));

const colourIn = (cell: Cell): Colour | undefined => (isPainted(cell) ? cell.colour : undefined);

function textOf(cell: Cell, date: (date: Date) => string): string {
  const value = valueIn(cell);
  if (value === null) return "–";
  return value instanceof Date ? date(value) : printable(String(value));
}

const widthsOf = (headings: readonly string[], cells: readonly (readonly string[])[]): number[] =>
  headings.map((heading, column) =>
    cells.reduce((widest, row) => Math.max(widest, stringWidth(row[column] ?? "")), stringWidth(heading)),
  );

const totalOf = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, BETWEEN.length * Math.max(0, widths.length - 1));

/** Takes from the widest of those that are above their least, until all fit, or none is left to take from. */
function narrowed(widths: readonly number[], least: readonly number[], columns: number): number[] {
  const fitted = [...widths];
  for (let over = totalOf(fitted) - columns; over > 0; ) {
    const cuttable = fitted.map((width, column) => (width > (least[column] ?? 0) ? width : 0));
    const widest = Math.max(...cuttable);
    if (widest === 0) break;
    const column = cuttable.indexOf(widest);
    const second = Math.max(least[column] ?? 0, ...cuttable.filter((_, other) => other !== column));
    const taken = Math.min(over, Math.max(1, widest - second));
    fitted[column] = widest - taken;
    over -= taken;
  }
  return fitted;
}

/** As much of a text as fits, with … for what does not; by what people take for one character. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
