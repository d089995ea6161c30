import { ArchiveRefused } from "../../backup/archive/refused.ts";
import { listArchives } from "../../backup/folder.ts";
import { verifyArchive } from "../../backup/verify.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Vault } from "../../telegram/vault.ts";
import type { CommonOptions } from "../context.ts";
import { createOutput, type Output, when } from "../output.ts";
import { backupKeyOf, withoutDatabase } from "./place.ts";
import { sessions as count } from "./words.ts";

export interface VerifyOptions extends CommonOptions {
  readonly all: boolean;
}

/** Exit code 1 where an archive is refused, or a session in it does not open. */
export async function verify(file: string | undefined, options: VerifyOptions): Promise<void> {
  if ((file === undefined) === !options.all)
    throw new OperatorError("give one archive, or --all: see gramfleet backup list", { exitCode: 2 });
  const out = createOutput({ json: options.json ?? false });
  await withoutDatabase(options, async ({ config, vault }) => {
    const backupKey = backupKeyOf(config);
    const files = file === undefined ? (await listArchives(config.backups.dir)).map((one) => one.file) : [file];
    if (files.length === 0) throw new OperatorError(`no archives in ${config.backups.dir}: gramfleet backup create`);
    const results: Looked[] = [];
    for (const each of files) results.push(await look(each, backupKey, vault, out));
    const bad = results.filter((one) => one.problem !== null || (one.unopened ?? 0) > 0);
    out.result(file === undefined ? results : results[0], () => [
      ...results.flatMap((one) =>
        one.problem === null
          ? [
              `${one.file}: whole, of ${when(one.createdAt)}, ${count(one.sessions)} of ${one.accounts} users, ${opened(one.unopened)}`,
              ...one.named.map(({ tenantId, appId, why }) => `  ${tenantId}:${appId} does not open: ${why}`),
            ]
          : [`${one.file}: ${one.problem}`],
      ),
      ...(vault ? [] : ["SESSION_ENCRYPTION_KEYS is not set: whether the sessions open was not tried"]),
    ]);
    if (bad.length > 0) process.exitCode = 1;
  });
}

type Looked = Awaited<ReturnType<typeof look>>;

async function look(file: string, backupKey: Buffer, vault: Vault | null, out: Output) {
  try {
    const { manifest, ...verified } = await verifyArchive({
      ...{ file, backupKey, vault },
      progress: (sessions) => out.progress(`${file}: ${sessions} sessions`),
    });
    const { createdAt, installation, schema, only } = manifest;
    return { file, problem: null, createdAt, schema, installation, only, ...verified };
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error;
    return { file, problem: error.message, unopened: null };
  }
}

function opened(unopened: number | null): string {
  if (unopened === null) return "not opened";
  return unopened === 0 ? "all of them open" : `${unopened} of them do not open`;
}
