import { Command } from "commander";
import { adoptInstallation, type Installation } from "../db/installation.ts";
import { parkAll } from "../db/parked-sessions.ts";
import { countByState } from "../db/sessions.ts";
import { ownRedis } from "../queue/open.ts";
import { assertRedis } from "../queue/redis.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { inspectInstallation, replaceMarks } from "../telegram/installation/inspect.ts";
import { REFUSALS, type Refusal } from "../telegram/installation/judge.ts";
import { ask } from "./ask.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { marksOf } from "./installation.ts";
import { withCommonOptions } from "./options.ts";
import { when } from "./output.ts";

interface AdoptOptions extends CommonOptions {
  readonly yes: boolean;
  readonly park: boolean;
}

export function adoptCommand(): Command {
  return withCommonOptions(new Command("adopt"))
    .option("--park", "hold every session until gramfleet sessions unpark", false)
    .option("--yes", "do not ask: what this is a copy of is gone for good", false)
    .action(adopt);
}

/** Says what was found and what it means, asks, and makes the database this installation's. */
async function adopt(options: AdoptOptions): Promise<void> {
  await withContext(options, ["redis"], async ({ out, config, database, lifecycle, log }) => {
    const redis = ownRedis(lifecycle, config, "producer", log);
    await assertRedis(redis);
    const marks = marksOf(config, redis);
    const installId = config.installation.id;
    const found = await inspectInstallation({ database, installId, marks });
    const { here, installation, refused } = found;
    const unnamed = installation !== null && installId !== null && installation.installId === null;
    if (installation && !refused && !unnamed && !options.park) {
      out.result(
        { adopted: false, refused: null },
        () => "this database is this installation's already: nothing to adopt",
      );
      return;
    }
    const sessions = (await database.asWorker(countByState)).get("AUTHORIZED") ?? 0;
    if (refused) for (const line of meaning(refused, installation, sessions)) out.note(line);
    if (refused && !options.yes) await confirm();
    const adopted = await database.asOwner(async (tx) => {
      const parked = options.park ? await parkAll(tx) : 0;
      return { installation: await adoptInstallation(tx, here, installId), parked };
    });
    await replaceMarks(found, adopted.installation);
    out.result({ adopted: true, refused, sessions, parked: adopted.parked }, () => [
      `adopted: this database is this installation's${installId === null ? "" : `, ${installId}`}, with ${sessions} sessions`,
      options.park
        ? "they are parked: gramfleet sessions unpark"
        : "they are opened from now on; processes that run notice within seconds",
    ]);
  });
}

function meaning(refused: Refusal, installation: Installation | null, sessions: number): string[] {
  return [
    `${REFUSALS[refused]}${installation ? ` (begun ${when(installation.begunAt)})` : ""}.`,
    `It holds ${sessions} authorised sessions. Where the database that it is a copy of is still in use, by whatever process, Telegram ends each session that both open, for good.`,
    "That it has been silent for long proves nothing: it may be cut off, or asleep. Stop its processes, and see that nothing starts them again; gramfleet retire there leaves a mark that says so.",
  ];
}

async function confirm(): Promise<void> {
  const answer = await ask('the other one is gone for good; type "adopt" to go on', { flag: "--yes" });
  if (answer !== "adopt") throw new OperatorError("not adopted: no session is opened");
}
