import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, inject } from "vitest";
import type { OpenPage } from "./browser.ts";
import { THEMES } from "./stand-in.ts";

declare module "vitest" {
  export interface ProvidedContext {
    newScreenshots: boolean;
  }
}

const FOLDER = fileURLToPath(new URL("../screenshots/", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = [
  { width: 320, height: 640 },
  { width: 1_280, height: 800 },
];

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/**
 * Looks at a state of the page in light and dark, narrow and wide: nothing is cut off, and axe finds nothing that keeps
 * people from reading and using it. The pictures are kept where they are new, or where the run was told to renew them.
 */
export async function lookAt(open: OpenPage, state: string): Promise<void> {
  const { page } = open;
  const before = page.viewportSize();
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const scheme of ["light", "dark"] as const) {
      const what = `${state}-${scheme}-${size.width}`;
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      if (open.inTelegram) await page.evaluate(`standIn.setTheme("${scheme}", ${JSON.stringify(THEMES[scheme])})`);
      const cut = await page.evaluate<number>(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      expect(cut, `${what} is too wide`).toBe(0);
      await page.evaluate(AXE);
      const violations = await page.evaluate<AxeViolation[]>(
        'axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations)',
      );
      const said = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${what}: ${id}: ${html}: ${failureSummary}`),
      );
      expect(said).toEqual([]);
      const file = join(FOLDER, `${what}.png`);
      if (existsSync(file) && !inject("newScreenshots")) continue;
      mkdirSync(FOLDER, { recursive: true });
      // Not by fullPage, which forgets that there is a finger and no mouse.
      const height = await page.evaluate<number>("document.documentElement.scrollHeight");
      await page.setViewportSize({ ...size, height: Math.max(height, size.height) });
      writeFileSync(file, await page.screenshot({ animations: "disabled", caret: "hide" }));
      await page.setViewportSize(size);
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}
