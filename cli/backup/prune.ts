import { pruneArchives } from "../../backup/folder.ts";
import type { CommonOptions } from "../context.ts";
import { createOutput } from "../output.ts";
import { backupKeyOf, withoutDatabase } from "./place.ts";

export async function prune(options: CommonOptions): Promise<void> {
  const out = createOutput({ json: options.json ?? false });
  await withoutDatabase(options, async ({ config }) => {
    const { dir: folder, keptMs } = config.backups;
    const deleted = await pruneArchives({ folder, keptMs, backupKey: backupKeyOf(config), now: new Date() });
    out.result({ deleted }, () =>
      deleted.length === 0 ? "nothing to delete" : deleted.map((file) => `${file}: deleted`),
    );
  });
}
