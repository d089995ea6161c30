import { type EndedRun, type ParseProgress, parseFacts, parseProgress } from "../../db/parse-progress.ts";
import { waitsOfParses } from "../../db/waits.ts";
import type { Producer } from "../../queue/producer.ts";
import { sleep } from "../../runtime/sleep.ts";
import type { CommandContext } from "../context.ts";
import type { Asked } from "./ask.ts";
import { obstacleOf, obstacleOfWait, obstaclesIn } from "./obstacles.ts";

/** How often it looks for ended runs, and how often for what puts jobs off. */
const LOOK_EVERY_MS = 200;
const OBSTACLES_EVERY_MS = 1_000;

/** What came of a parse that was asked for. */
export interface Followed {
  readonly telegramId: bigint;
  readonly outcome: string;
  readonly run?: EndedRun;
  readonly waits?: true;
  readonly failed?: true;
}

/**
 * Follows each parse to the end of its run, or to a wait that puts it off. Gives up on all that are left when nothing
 * has happened for `patienceMs`.
 *
 * @param since when they were asked for, by the database's clock
 * @returns in the order of `asked`; null where the command is ended meanwhile
 */
export async function follow(
  context: Pick<CommandContext, "inTenant" | "lifecycle" | "out">,
  producer: Producer,
  asked: readonly Asked[],
  { since, patienceMs }: { readonly since: Date; readonly patienceMs: number },
): Promise<Followed[] | null> {
  const { inTenant, lifecycle, out } = context;
  const { signal } = lifecycle;
  const settled = new Map<bigint, Omit<Followed, "telegramId">>();
  const open = new Map<bigint, Asked>();
  for (const one of asked) {
    if (one.obstacle) settled.set(one.userId, one.obstacle);
    else open.set(one.userId, one);
  }
  const began = performance.now();
  let last = { picture: "", at: began };
  let obstaclesAt = Number.NEGATIVE_INFINITY;
  while (open.size > 0) {
    const progress = await inTenant((tx) => parseProgress(tx, [...open.keys()], since));
    const seen = new Map(progress.map((one) => [one.userId, one]));
    for (const userId of [...open.keys()]) settle(userId, endOf(seen.get(userId)));
    if (performance.now() - obstaclesAt >= OBSTACLES_EVERY_MS && open.size > 0) {
      for (const [userId, obstacle] of await obstacles(context, producer, [...open.values()])) settle(userId, obstacle);
      obstaclesAt = performance.now();
    }
    const picture = pictureOf(
      asked,
      settled,
      progress.filter(({ userId }) => open.has(userId)),
    );
    if (picture !== last.picture) last = { picture, at: performance.now() };
    out.progress(open.size === 0 ? null : `${picture} (${Math.floor((performance.now() - began) / 1_000)} s)`);
    if (performance.now() - last.at >= patienceMs)
      for (const userId of [...open.keys()])
        settle(userId, {
          outcome: `not over, and nothing happened for ${patienceMs / 1_000} s: does a worker run? gramfleet health`,
          failed: true,
        });
    if (open.size > 0) await sleep(LOOK_EVERY_MS, signal);
    if (signal.aborted) return null;
  }
  out.progress(null);
  return asked.map(({ userId, telegramId }) => ({ telegramId, ...(settled.get(userId) ?? { outcome: "unknown" }) }));

  function settle(userId: bigint, end: Omit<Followed, "telegramId"> | null): void {
    if (end === null) return;
    settled.set(userId, end);
    open.delete(userId);
  }
}

/** What came of a parse that is over; null where it is not. A user who is gone has no progress. */
function endOf(progress: ParseProgress | undefined): Omit<Followed, "telegramId"> | null {
  if (progress === undefined) return { outcome: "gone: deleted meanwhile", failed: true };
  const { state, run } = progress;
  if (state !== "ended" || run === null) return null;
  if (run.outcome === "failed") return { outcome: `failed: ${run.error ?? "unknown"}`, run, failed: true };
  return { outcome: run.outcome, run };
}

async function obstacles(
  { inTenant }: Pick<CommandContext, "inTenant">,
  producer: Producer,
  open: readonly Asked[],
): Promise<[bigint, Omit<Followed, "telegramId">][]> {
  const { facts, waits } = await inTenant(async (tx) => ({
    facts: await parseFacts(
      tx,
      open.map(({ userId }) => userId),
    ),
    waits: await waitsOfParses(
      tx,
      open.map(({ telegramId }) => telegramId),
    ),
  }));
  // Whoever is paused meanwhile, or has no session any more, is parsed by nobody, and no run tells so.
  const kept = new Map(facts.map((user) => [user.userId, obstacleOf(user)]));
  const queues = [...new Set(open.flatMap(({ job }) => job?.queue ?? []))];
  const keptIn = await obstaclesIn(producer, queues, { pausedByHand: true });
  const found = await Promise.all(
    open.map(async ({ userId, telegramId, job }): Promise<[bigint, Omit<Followed, "telegramId">][]> => {
      const own = kept.get(userId);
      if (own) return [[userId, { ...own, failed: true }]];
      const obstacle = obstacleOfWait(waits.get(telegramId)) ?? (job && (await keptIn(job)));
      return obstacle ? [[userId, obstacle]] : [];
    }),
  );
  return found.flat();
}

/** Where all of them are, in a line. */
function pictureOf(
  asked: readonly Asked[],
  settled: ReadonlyMap<bigint, Omit<Followed, "telegramId">>,
  open: readonly ParseProgress[],
): string {
  const [only] = open;
  if (asked.length === 1 && only) return `${asked[0]?.telegramId}: ${only.state}`;
  const count = (state: ParseProgress["state"]) => open.filter((one) => one.state === state).length;
  const ends = [...settled.values()];
  const parts = [
    [count("due"), "due"],
    [count("queued"), "queued"],
    [count("running"), "running"],
    [ends.filter(({ waits }) => waits).length, "waiting"],
    [ends.filter(({ failed }) => failed).length, "failed"],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, name]) => `${number} ${name}`);
  return [`${ends.filter(({ outcome }) => outcome === "done").length} of ${asked.length} parsed`, ...told].join(" · ");
}
