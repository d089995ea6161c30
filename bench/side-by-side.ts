import { type CpuParts, type CpuSeconds, cpuOf, describeCpu } from "./cpu.ts";
import type { Pair } from "./score.ts";

/** One run of one side: so many of the unit, in so many seconds. */
export interface Run {
  readonly count: number;
  readonly seconds: number;
  /** Shown beside the rate: on a machine that others share it says more. */
  readonly cpu?: CpuSeconds;
}

/** What one run came to, where it is no rate: bytes, milliseconds. */
export interface Figure {
  readonly value: number;
  readonly note?: string;
}

export interface Sides {
  /** Each run has processes of its own, which have nothing to warm up. */
  readonly fresh?: boolean;
  readonly ours: () => Promise<Run | Figure>;
  readonly baseline: () => Promise<Run | Figure>;
}

/** Times a piece of work that does `count` of something, and what CPU it costs whom. */
export async function timedRun(count: number, parts: CpuParts, work: () => Promise<unknown>): Promise<Run> {
  const startedAt = performance.now();
  const { result: seconds, cpu } = await cpuOf(parts, async () => {
    await work();
    return (performance.now() - startedAt) / 1_000;
  });
  return { count, seconds, cpu };
}

/**
 * Runs both sides in turn (A B A B …), so that whatever else the machine does meets both alike. The first pair warms
 * caches and compilers, and is not counted; sides that are fresh each time have none.
 *
 * @returns the values of each pair: rates in units a second, or what a figure says
 */
export async function sideBySide(
  sides: Sides,
  options: { readonly pairs: number; readonly note: (text: string) => void },
): Promise<Pair[]> {
  const counted: Pair[] = [];
  for (let turn = sides.fresh ? 1 : 0; turn <= options.pairs; turn += 1) {
    const ours = await sides.ours();
    const baseline = await sides.baseline();
    const name = turn === 0 ? "warm-up" : `pair ${turn} of ${options.pairs}`;
    options.note(`${name}: ours ${described(ours)}; baseline ${described(baseline)}`);
    if (turn > 0) counted.push({ ours: figureOf(ours), baseline: figureOf(baseline) });
  }
  return counted;
}

const figureOf = (run: Run | Figure): number => ("value" in run ? run.value : run.count / run.seconds);

function described(run: Run | Figure): string {
  if ("value" in run) return [run.value.toFixed(1), ...(run.note ? [run.note] : [])].join(", ");
  const cpu = run.cpu ? [`CPU ${describeCpu(run.cpu, run.count)}`] : [];
  return [`${figureOf(run).toFixed(0)}/s`, ...cpu].join(", ");
}
