import { ownProducer } from "../queue/open.ts";
import type { Producer } from "../queue/producer.ts";
import type { CommandContext } from "./context.ts";

/** The queues, for as long as the command runs. @throws OperatorError where Redis is unreachable or unfit */
export async function openQueues(context: Pick<CommandContext, "config" | "lifecycle" | "log">): Promise<Producer> {
  const { config, lifecycle, log } = context;
  return (await ownProducer(lifecycle, config, log)).producer;
}
