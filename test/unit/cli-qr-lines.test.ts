import decodeQR from "qr/decode.js";
import { expect, test } from "vitest";
import { qrLines } from "../../cli/qr-lines.ts";

const LINK = "tg://login?token=AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
const SCALE = 4;

/** What a camera sees of the lines: light where they draw something. */
function scanned(lines: readonly string[]): string {
  const rows = lines.flatMap((line) => {
    const cells = [...line];
    return [cells.map((cell) => "█▀".includes(cell)), cells.map((cell) => "█▄".includes(cell))];
  });
  const width = rows[0]!.length * SCALE;
  const height = rows.length * SCALE;
  const data = new Uint8Array(width * height * 4);
  for (let at = 0; at < width * height; at += 1) {
    const light = rows[Math.floor(at / width / SCALE)]![Math.floor((at % width) / SCALE)]!;
    data.fill(light ? 255 : 0, at * 4, at * 4 + 3);
    data[at * 4 + 3] = 255;
  }
  return decodeQR({ width, height, data });
}

test("draws what a scanner reads", () => {
  expect(scanned(qrLines(LINK, { colour: false }))).toBe(LINK);
});

test("is dark on light in colour, whatever the terminal's own colours are, and fits 80 columns", () => {
  const plain = qrLines(LINK, { colour: false });
  const coloured = qrLines(LINK, { colour: true });
  expect(coloured).toEqual(plain.map((line) => `\u001b[97;40m${line}\u001b[0m`));
  expect(plain[0]!.length).toBeLessThanOrEqual(60);
  expect(plain.length).toBeLessThanOrEqual(24);
});
