import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { UIConfig } from "@bull-board/api/typings/app";
import { BOARD } from "./pages.ts";

/**
 * What Bull Board's page may do: load scripts, styles and pictures from here, and ask here. Its libraries put styles into
 * the page as they go, so those may be inline; no script may.
 */
export const BOARD_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": "text/plain; charset=utf-8",
};

export interface UiFile {
  readonly type: string;
  /** Its name changes with what is in it. */
  readonly immutable: boolean;
  read(): Promise<Buffer>;
}

/** What Bull Board's page loads, by its path below `static`: what is there at the start, and nothing else. */
export function findUiFiles(uiFolder: string): ReadonlyMap<string, UiFile> {
  const folder = join(uiFolder, "static");
  const files = new Map<string, UiFile>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1).replaceAll("\\", "/");
    files.set(name, { type, immutable: /\.[0-9a-f]{10}\.(js|css)$/.test(name), read: () => readFile(path) });
  }
  return files;
}

/** Anything of another host that a page would load by itself. */
const FROM_ELSEWHERE = /<(link|script|img)\b[^>]*\b(href|src)="(https?:)?\/\/[^>]*>(<\/script>)?\s*/g;

/** Bull Board's page, for whoever these settings are for. @throws where it is not made as this expects */
export function createIndex(uiFolder: string): (uiConfig: UIConfig) => string {
  const template = readFileSync(join(uiFolder, "index.ejs"), "utf8").replace(FROM_ELSEWHERE, "");
  return (uiConfig) => {
    const values: Readonly<Record<string, string>> = {
      basePath: `${BOARD}/`,
      title: "Queues · gramfleet",
      favIconDefault: uiConfig.favIcon?.default ?? "",
      favIconAlternative: uiConfig.favIcon?.alternative ?? "",
      // In a script element that is no script: it ends where one could be ended, and nowhere else.
      uiConfig: JSON.stringify(uiConfig).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e"),
    };
    return template.replace(/<%[=-] *(\w+) *%>/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`Bull Board's page asks for ${name}, which is not known`);
      return value;
    });
  };
}
