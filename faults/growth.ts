import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a process held after a collection. Bytes. */
export interface Sample {
  readonly heapUsed: number;
  readonly rss: number;
  /** Sockets, timers and the like that keep a process going. */
  readonly handles: number;
}

/** Probes processes for what they keep over a long time. */
export interface HeapProbes {
  /** For `startFleet`. */
  forNode(name: string): readonly string[];
  /** Of each process that was probed, from its start. */
  samples(): ReadonlyMap<string, readonly Sample[]>;
}

/** @param dir where each process writes what it says of itself */
export function probeHeaps(dir: string, everyMs: number): HeapProbes {
  const files = new Map<string, string>();
  return {
    forNode(name) {
      const file = join(dir, `heap-${name}.jsonl`);
      files.set(name, file);
      const probe = new URL("heap-probe.mjs", import.meta.url);
      probe.searchParams.set("file", file);
      probe.searchParams.set("everyMs", String(everyMs));
      return ["--expose-gc", "--import", probe.href];
    },
    samples: () => new Map([...files].map(([name, file]) => [name, read(file)])),
  };
}

function read(file: string): Sample[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Sample);
}

/**
 * The mean of the last quarter over the mean of the second one: the first is for warming up. 1 is no growth.
 *
 * @throws RangeError for fewer than four
 */
export function growth(values: readonly number[]): number {
  if (values.length < 4) throw new RangeError(`${values.length} samples are no four quarters`);
  const quarter = Math.floor(values.length / 4);
  return mean(values.slice(-quarter)) / mean(values.slice(quarter, 2 * quarter));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
