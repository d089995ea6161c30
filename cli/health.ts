import { stripVTControlCharacters } from "node:util";
import { Command } from "commander";
import { ownRedis } from "../queue/open.ts";
import { createProducer } from "../queue/producer.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";
import type { CommonOptions } from "./context.ts";
import { dataDirOf } from "./environment.ts";
import { lookAtAll } from "./health/look.ts";
import { overall, type Part } from "./health/part.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { createOutput, type Output, painted, state, table } from "./output.ts";
import { ownServices } from "./own-services.ts";

/** What hangs is not waited for once all is said. */
const CLOSE_MS = 500;

interface HealthOptions extends CommonOptions {
  readonly strict: boolean;
  readonly watch?: true | number;
}

export function healthCommand(): Command {
  return withCommonOptions(new Command("health"))
    .option("--strict", "exit with 1 where anything is degraded, too", false)
    .option("--watch [seconds]", "look again every so many seconds (5), until Ctrl-C", wholeNumber(1))
    .action(run);
}

async function run(options: HealthOptions): Promise<void> {
  const out = createOutput({ json: options.json ?? false });
  const log = createLog({ level: options.verbose ? "debug" : "silent", name: "cli" });
  const lifecycle = new Lifecycle(log);
  const interrupted = () => void lifecycle.close().finally(() => process.exit(options.watch ? 0 : 130));
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  let closed = false;
  try {
    const { config, services, database } = await ownServices(lifecycle, {
      ...{ dataDir: dataDirOf(options), needs: ["database", "redis"], poolSize: 8, log },
    });
    const redis = ownRedis(lifecycle, config, "producer", log);
    const producer = lifecycle.own("producer", createProducer({ redis, prefix: config.redisPrefix, log }), (opened) =>
      opened.close(),
    );
    const embeddedAt = services.lines.some(({ embedded }) => embedded) ? dataDirOf(options) : null;
    const looking = { config, database, redis, producer, embeddedAt };
    const everyMs = (options.watch === true ? 5 : (options.watch ?? 0)) * 1_000;
    let height = 0;
    do {
      const parts = await lookAtAll(looking);
      const health = overall(parts);
      // Each picture takes the last one's place.
      if (height > 0 && out.terminal) process.stdout.write(`\u001b[${height}A\u001b[J`);
      const lines = picture(out, parts);
      out.result({ health, parts }, () => lines);
      height = lines.length;
      process.exitCode = health === "down" || (options.strict && health === "degraded") ? 1 : 0;
      if (everyMs > 0) await sleep(everyMs, lifecycle.signal);
    } while (everyMs > 0 && !lifecycle.signal.aborted);
    closed = await withDeadline("closing", CLOSE_MS, lifecycle.close()).then(
      () => true,
      () => false,
    );
    // A service that hangs would keep us for as long as it does.
    if (!closed) process.exit();
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
    if (!closed) await lifecycle.close();
  }
}

/** A line for each part, and below it what is to be done. */
function picture(out: Output, parts: readonly Part[]): string[] {
  // Nothing is cut: what is so is the point of it.
  const [heading = "", ...rows] = table(
    ["health", "part", "what is so"],
    parts.map((part) => [
      part.state === "off" ? painted("dim", "–") : state(part.state),
      part.name,
      part.state === "off" ? painted("dim", part.says) : part.says,
    ]),
    { paint: out.paint },
  );
  const indent = " ".repeat(stripVTControlCharacters(heading).indexOf("what is so"));
  const wrong = parts.filter((part) => part.state === "degraded" || part.state === "down").length;
  const summary = wrong === 0 ? "everything is ok" : `${overall(parts)}: ${wrong} of ${parts.length} parts`;
  return [
    heading,
    ...rows.flatMap((row, index) => {
      const todo = parts[index]?.todo;
      return todo === undefined ? [row] : [row, `${indent}${out.paint("cyan", `→ ${todo}`)}`];
    }),
    summary,
  ];
}
