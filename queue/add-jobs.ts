import { createHash } from "node:crypto";
import type { JobsOptions, Queue } from "bullmq";
import { addPrioritizedJob } from "bullmq/dist/cjs/scripts/addPrioritizedJob-9.js";
import type { Redis } from "ioredis";

/** A job with a priority and a deduplication id, as BullMQ's own `addBulk` takes it. */
export interface BulkJob {
  readonly name: string;
  readonly data: unknown;
  readonly opts: JobsOptions & { readonly priority: number; readonly deduplication: { readonly id: string } };
}

/** Redis does nothing else while a script runs: some milliseconds. */
const JOBS_A_SCRIPT = 200;

/** The text of BullMQ's script that what is below was written for (SHA-256). Another one is not wrapped. */
const KNOWN = "d4652d1be004a3d7bfed76efdc706f2017f8dfd0080c51ab1f05457eeb1c3c77";
/** Whether many jobs can be added by one script; else by BullMQ's `addBulk`, which does the same and takes longer. */
export const ADDS_BY_SCRIPT =
  addPrioritizedJob.keys === 9 && createHash("sha256").update(addPrioritizedJob.content).digest("hex") === KNOWN;

/**
 * BullMQ's own script, once for each job of a list. BullMQ sends a command of 13 arguments for each, the options packed
 * anew, and that is most of what adding a job costs on both ends. What all jobs of a kind have in common is sent once.
 * ARGV: {prefix, timestamp, options: {name: options}}, [[name, data, priority, deduplication id, traceparent?], …]
 */
const ADD_JOBS = `
local function add(KEYS, ARGV)
${addPrioritizedJob.content}
end
local common = cjson.decode(ARGV[1])
local ids = {}
for index, job in ipairs(cjson.decode(ARGV[2])) do
  local options = common.options[job[1]]
  options.priority, options.de.id, options.tm = job[3], job[4], job[5]
  local args = { common.prefix, '', job[1], common.timestamp }
  args[9] = common.prefix .. 'de:' .. job[4]
  ids[index] = add(KEYS, { cmsgpack.pack(args), job[2], cmsgpack.pack(options) })
end
return ids`;

const COMMAND = "gramfleetAddJobs";
type WithCommand = Redis & { [COMMAND]?: (...keysAndArguments: string[]) => Promise<string[]> };

/**
 * Adds jobs to a queue as `queue.addBulk` does, and gives their ids, or those of their likes which were there already.
 * `redis` is the connection that the queue was opened with.
 */
export async function addJobs(redis: Redis, queue: Queue, jobs: readonly BulkJob[]): Promise<string[]> {
  if (!ADDS_BY_SCRIPT) return (await queue.addBulk([...jobs])).map((job) => String(job.id));
  await queue.waitUntilReady();
  const { keys } = queue;
  const of = (name: string) => keys[name] as string;
  const slots = ["marker", "meta", "id", "prioritized", "delayed", "completed", "active", "events", "pc"].map(of);
  const options: Record<string, unknown> = {};
  for (const { name, opts } of jobs) options[name] ??= commonOf(opts);
  const common = JSON.stringify({ prefix: of(""), timestamp: Date.now(), options });
  const added: Promise<string[]>[] = [];
  for (let from = 0; from < jobs.length; from += JOBS_A_SCRIPT) {
    const some = jobs.slice(from, from + JOBS_A_SCRIPT).map(({ name, data, opts }) => {
      const { metadata } = opts.telemetry ?? {};
      const row = [name, JSON.stringify(data), opts.priority, opts.deduplication.id];
      return metadata === undefined ? row : [...row, metadata];
    });
    added.push(commandOf(redis)(...slots, common, JSON.stringify(some)));
  }
  return (await Promise.all(added)).flat();
}

/** What BullMQ stores of the options that all jobs of a kind have in common, under the names that it stores them by. */
function commonOf({ priority, deduplication, telemetry, ...opts }: BulkJob["opts"]): unknown {
  return { ...opts, de: { ...deduplication } };
}

function commandOf(redis: WithCommand) {
  if (!redis[COMMAND]) redis.defineCommand(COMMAND, { numberOfKeys: addPrioritizedJob.keys, lua: ADD_JOBS });
  return (...given: string[]) => (redis[COMMAND] as NonNullable<WithCommand[typeof COMMAND]>)(...given);
}
