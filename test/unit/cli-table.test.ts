import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { createOutput } from "../../cli/output.ts";
import { type Cell, painted, table } from "../../cli/table.ts";

const DATE = new Date("2020-02-03T04:05:06.789Z");
const HEADINGS = ["id", "title", "since", "what happened"];
const ROWS: Cell[][] = [
  [7n, "Korrektes Pferd", DATE, null],
  [1234, "日本語のタイトルはとても長いです", null, painted("red", "nobody here reaches it: deleted, or private")],
];

describe("a table", () => {
  it("has columns as wide as their widest cell, numbers to the right, and dates to the second", () => {
    expect(table(HEADINGS, ROWS)).toEqual([
      "  id  title                             since                 what happened",
      "   7  Korrektes Pferd                   2020-02-03 04:05:06Z  –",
      "1234  日本語のタイトルはとても長いです  –                     nobody here reaches it: deleted, or private",
    ]);
  });

  it("fits the screen: dates shorter, then the widest texts cut, never numbers", () => {
    for (const columns of [100, 80, 62]) {
      const lines = table(HEADINGS, ROWS, { columns });
      for (const line of lines) expect(stringWidth(line), `${columns}: ${line}`).toBeLessThanOrEqual(columns);
      expect(lines[1]).toContain("2020-02-03 04:05Z");
      expect(lines[2]).toMatch(/^1234 {2}/);
    }
    expect(table(HEADINGS, ROWS, { columns: 62 })[2]).toBe(
      "1234  日本語のタイトル…  –                  nobody here reach…",
    );
  });

  it("is wider than a screen on which it would say nothing", () => {
    expect(table(HEADINGS, ROWS, { columns: 10 })[0]).toBe("  id  title         since              what happened");
  });

  it("lets no stranger's title move the cursor or turn the text round", () => {
    expect(table(["title"], [["a\u001b[2Jb\nc\u202ed"]])).toEqual(["title", "a [2Jb c d"]);
  });

  it("is as wide in colour as without", () => {
    const paint = (_: string, text: string) => `\u001b[31m${text}\u001b[39m`;
    const coloured = table(HEADINGS, ROWS, { paint });
    expect(coloured[2]).toContain("\u001b[31mnobody");
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(table(HEADINGS, ROWS));
  });
});

describe("what a command prints", () => {
  const stream = (isTTY: boolean) => {
    const written: string[] = [];
    const through = Object.assign(new PassThrough(), { isTTY, columns: 62 }) as unknown as NodeJS.WriteStream;
    through.on("data", (chunk) => written.push(String(chunk)));
    return { stream: through, written };
  };

  it.each([
    ["on a terminal", true, {}, true],
    ["in a pipe", false, {}, false],
    ["with NO_COLOR", true, { NO_COLOR: "1" }, false],
    ["on a terminal that shows none", true, { TERM: "dumb" }, false],
  ])("%s", (_, isTTY, env, coloured) => {
    const out = createOutput({ json: false, stdout: stream(isTTY).stream, stderr: stream(isTTY).stream, env });
    expect(out.paint("red", "x")).toBe(coloured ? "\u001b[31mx\u001b[39m" : "x");
    expect(Math.max(...out.table(HEADINGS, ROWS).map((line) => stringWidth(line))) <= 62).toBe(isTTY);
  });

  it("draws progress on a terminal alone, in one line, and takes it away before a result", () => {
    const [stdout, stderr, pipe] = [stream(true), stream(true), stream(false)];
    const out = createOutput({ json: true, stdout: stdout.stream, stderr: stderr.stream, env: {} });
    out.progress("1 of 2");
    out.progress("x".repeat(100));
    out.result({ done: 2n }, () => "done");
    expect(stderr.written).toEqual(["\r\u001b[2K1 of 2", `\r\u001b[2K${"x".repeat(61)}`, "\r\u001b[2K"]);
    expect(stdout.written).toEqual(['{"done":"2"}\n']);
    createOutput({ json: false, stdout: stdout.stream, stderr: pipe.stream, env: {} }).progress("1 of 2");
    expect(pipe.written).toEqual([]);
  });
});
