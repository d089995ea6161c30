import encodeQR from "qr";
import { setAttributes, svg } from "./dom.ts";

/** Around a code there are four modules of nothing (ISO/IEC 18004): scanners need them. */
const QUIET = 4;

/** A code that is always dark on white, whatever the page's colours: not every camera reads the opposite. */
export interface CodeImage {
  readonly element: SVGElement;
  /** Puts another code in the place of the one shown, at once. */
  show(text: string): void;
}

export function createCodeImage(label: string): CodeImage {
  const dark = svg("path", { class: "modules" });
  const element = svg(
    "svg",
    { role: "img", "aria-label": label, "shape-rendering": "crispEdges", class: "code" },
    dark,
  );
  let shown: string | null = null;
  return {
    element,
    show(text) {
      if (text === shown) return;
      shown = text;
      const modules = encodeQR(text, "raw", { border: QUIET });
      const size = modules.length;
      setAttributes(element, { viewBox: `0 0 ${size} ${size}` });
      setAttributes(dark, { d: pathOf(modules) });
    },
  };
}

/** One rectangle for each run of dark modules in a row. */
function pathOf(modules: readonly (readonly boolean[])[]): string {
  let path = "";
  modules.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x += 1;
      const width = x + 1 - start;
      path += `M${start} ${y}h${width}v1h-${width}z`;
    }
  });
  return path;
}
