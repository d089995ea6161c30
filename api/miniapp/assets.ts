import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The page's script or style, under an address that changes with what is in it. */
export interface Asset {
  readonly name: string;
  readonly type: string;
  readonly body: string;
}

export interface PageAssets {
  readonly script: Asset;
  readonly style: Asset;
}

const FOLDER = "web/qr-auth";

/** Loads the assets once, when they are first asked for; a failure is tried anew. */
export function createPageAssets(): () => Promise<PageAssets> {
  let loading: Promise<PageAssets> | null = null;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = null;
      throw error;
    });
    return loading;
  };
}

/** Of the build where this runs built; else bundled here, from the sources. */
async function load(): Promise<PageAssets> {
  const here = fileURLToPath(import.meta.url);
  const built = here.endsWith(".js");
  const { script, style } = built ? await readBuild(join(dirname(here), "..")) : await bundle(join(here, "../../.."));
  return {
    script: asset("script", "js", "text/javascript; charset=utf-8", script),
    style: asset("style", "css", "text/css; charset=utf-8", style),
  };
}

function asset(what: string, extension: string, type: string, body: string): Asset {
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 16);
  return { name: `${what}-${digest}.${extension}`, type, body };
}

async function readBuild(dist: string): Promise<{ script: string; style: string }> {
  const [script, style] = await Promise.all(
    ["script.js", "style.css"].map((name) => readFile(join(dist, FOLDER, name), "utf8")),
  );
  return { script: script ?? "", style: style ?? "" };
}

async function bundle(root: string): Promise<{ script: string; style: string }> {
  const options = JSON.parse(await readFile(join(root, FOLDER, "esbuild.json"), "utf8")) as object;
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ ...options, absWorkingDir: root, outdir: "/", write: false });
  const bodyOf = (name: string) => {
    const file = outputFiles.find(({ path }) => path.endsWith(name));
    if (!file) throw new Error(`esbuild made no ${name} of ${FOLDER}`);
    return file.text;
  };
  return { script: bodyOf("script.js"), style: bodyOf("style.css") };
}
