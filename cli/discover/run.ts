import { realpathSync } from "node:fs";
import { type Config, loadConfig } from "../../config/load.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "../context.ts";
import { commandEnvironment, dataDirOf } from "../environment.ts";
import { chooseApi } from "../import/api-choice.ts";
import { confirmStopped } from "../import/confirm.ts";
import { openTakeOver } from "../import/take-over.ts";
import { createOutput, type Output } from "../output.ts";
import { printable } from "../printable.ts";
import { type Candidate, createLooking, type Looked } from "./look.ts";
import { type Walked, walk } from "./walk.ts";

export interface DiscoverOptions extends CommonOptions {
  readonly tenantId: string;
  readonly import: boolean;
  readonly dryRun: boolean;
  readonly apiId?: number;
  readonly yes: boolean;
}

/** A candidate, and what came of importing it. */
type Outcome = Candidate & { readonly telegramId?: bigint; readonly error?: string };

/** Says what each session below a folder is; with --import, takes over those that may be. */
export async function discover(dir: string | undefined, options: DiscoverOptions): Promise<void> {
  if (options.import && options.dryRun)
    throw new OperatorError("give --import or --dry-run, not both", { exitCode: 2 });
  const config = loadConfig(commandEnvironment(dataDirOf(options)).env);
  const given = dir ?? config.sessionsBasePath;
  if (given === null)
    throw new OperatorError("say which folder to look through, or set SESSIONS_BASE_PATH", { exitCode: 2 });
  const out = createOutput({ json: options.json ?? false });
  const { walked, looked } = await lookThrough(given, config, out);
  if (options.import) await importAll(looked, config, options);
  else
    show(
      out,
      { dir: given, walked },
      looked.map(({ candidate }) => candidate),
    );
}

async function lookThrough(dir: string, config: Config, out: Output): Promise<{ walked: Walked; looked: Looked[] }> {
  out.progress(`looking through ${dir}`);
  const walked = await walk(dir);
  const look = createLooking(realpathSync(dir), config.dataCenters?.addresses ?? null);
  const looked: Looked[] = [];
  for (const [index, found] of walked.found.entries()) {
    out.progress(`${index + 1} of ${walked.found.length} files: ${printable(found.path)}`);
    const each = await look(found);
    if (each) looked.push(each);
  }
  out.progress(null);
  return { walked, looked };
}

async function importAll(looked: readonly Looked[], config: Config, options: DiscoverOptions): Promise<void> {
  const able = looked.filter(({ session }) => session !== null);
  // Asked for once, for all that do not say.
  const lacking = able.some(({ session }) => session?.apiId === null);
  const apiOf = new Map<number | null, Awaited<ReturnType<typeof chooseApi>>>();
  if (lacking) apiOf.set(null, await chooseApi(config, null, options));
  if (able.length > 0 && !options.yes) await confirmStopped();
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { tenantId } = context;
    const takeOver = await openTakeOver(context);
    const outcomes: Outcome[] = [];
    for (const { candidate, session } of looked) {
      if (!session) {
        outcomes.push(candidate);
        continue;
      }
      context.out.progress(`importing ${printable(candidate.path)}`);
      try {
        const api = apiOf.get(session.apiId) ?? (await chooseApi(config, session.apiId, {}));
        apiOf.set(session.apiId, api);
        const { me } = await takeOver(session, { tenantId, telegramId: session.userId, api });
        outcomes.push({ ...candidate, telegramId: me.id });
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        outcomes.push({ ...candidate, error: error.message });
        process.exitCode = 1;
      }
      if (context.lifecycle.signal.aborted) break;
    }
    context.out.result(outcomes, () => table(context.out, outcomes));
  });
}

function show(out: Output, { dir, walked }: { dir: string; walked: Walked }, candidates: readonly Candidate[]): void {
  const { entries, links, closed, cut } = walked;
  out.result({ dir, entries, links, closed, cut, sessions: candidates }, () => [
    ...(candidates.length === 0 ? [`no sessions in ${dir}`] : table(out, candidates)),
    `${entries} files and folders looked at${links > 0 ? `, ${links} links not followed` : ""}${closed > 0 ? `, ${closed} folders not looked into` : ""}`,
    ...(cut ? ["there is more: look through the folders below it one by one"] : []),
  ]);
}

function table(out: Output, rows: readonly Outcome[]): string[] {
  return out.table(
    ["file", "format", "dc", "account", "SHA-256 of its key", "importable"],
    rows.map((row) => [
      printable(row.path),
      row.format,
      row.dcId ?? null,
      row.telegramId ?? row.userId ?? null,
      row.keySha256?.slice(0, 16) ?? null,
      row.telegramId ? "imported" : (row.error ?? row.why ?? "yes"),
    ]),
  );
}
