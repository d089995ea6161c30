import encodeQR from "qr";

/** A code's light border, in modules: scanners want four, and read ours with two from a screen. */
const BORDER = 2;

/**
 * Draws `text` as a QR code, two rows of modules in each line of text. In colour it is dark on light on any terminal;
 * else its light modules are the drawn ones, which a terminal of light letters on dark shows the right way round.
 */
export function qrLines(text: string, options: { readonly colour: boolean }): string[] {
  const rows = encodeQR(text, "raw", { border: BORDER, ecc: "low" });
  const lines: string[] = [];
  for (let at = 0; at < rows.length; at += 2) {
    const upper = rows[at] ?? [];
    const lower = rows[at + 1];
    // Beyond the last row everything is light.
    const line = upper.map((dark, column) => halves(!dark, lower ? !lower[column] : true)).join("");
    lines.push(options.colour ? `\u001b[97;40m${line}\u001b[0m` : line);
  }
  return lines;
}

function halves(upperLight: boolean, lowerLight: boolean): string {
  if (upperLight) return lowerLight ? "█" : "▀";
  return lowerLight ? "▄" : " ";
}
