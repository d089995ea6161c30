import { listArchives } from "../../backup/folder.ts";
import type { CommonOptions } from "../context.ts";
import { createOutput } from "../output.ts";
import { withoutDatabase } from "./place.ts";
import { size } from "./words.ts";

export async function list(options: CommonOptions): Promise<void> {
  const out = createOutput({ json: options.json ?? false });
  await withoutDatabase(options, async ({ config: { backups } }) => {
    const archives = await listArchives(backups.dir);
    out.result(archives, () =>
      archives.length === 0
        ? `no archives in ${backups.dir}: gramfleet backup create`
        : out.table(
            ["made", "size", "file", "problem"],
            archives.map(({ createdAt, bytes, file, problem }) => [createdAt, size(bytes), file, problem]),
          ),
    );
  });
}
