import { Command } from "commander";
import { type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { table } from "./output.ts";
import { openQueues } from "./queues.ts";

export function queueCommand(): Command {
  const queue = new Command("queue");
  queue.addCommand(withCommonOptions(new Command("status").description("jobs by queue and state")).action(status));
  return queue;
}

async function status(options: CommonOptions): Promise<void> {
  await withContext(options, ["redis"], async (context) => {
    const producer = await openQueues(context);
    const counts = await producer.queueCounts();
    context.out.result(counts, () =>
      counts.length === 0
        ? "no queue has had a job yet"
        : table(
            ["queue", "waiting", "active", "delayed", "parked", "failed", "completed", "paused"],
            counts.map((one) => [
              one.queue,
              one.waiting,
              one.active,
              one.delayed,
              one.parked,
              one.failed,
              one.completed,
              one.paused ? "yes" : "no",
            ]),
          ),
    );
  });
}
