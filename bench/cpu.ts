import { readdirSync, readFileSync } from "node:fs";

/** Seconds of CPU (user and system) by part: worker, PostgreSQL, … */
export type CpuSeconds = Readonly<Record<string, number>>;

/** Processes whose time counts as one part's: a process and all below it, or those of them that run `program`. */
export interface CpuPart {
  readonly root: number;
  readonly program?: string;
}

export type CpuParts = Readonly<Record<string, CpuPart>>;

interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  readonly program: string;
  /** Its own, and that of children which have ended. */
  readonly ticks: number;
}

/** What /proc counts in: USER_HZ, 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/**
 * What these processes have used so far. A child that ends leaves its time to its parent, so that a difference of two
 * looks loses nothing.
 */
export function cpuSeconds(parts: CpuParts): CpuSeconds {
  const all = processTimes();
  const total = ({ root, program }: CpuPart) =>
    below(root, all)
      .filter((each) => program === undefined || each.program === program)
      .reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, total(part)]));
}

/** What a piece of work has cost each part. */
export async function cpuOf<T>(parts: CpuParts, work: () => Promise<T>): Promise<{ result: T; cpu: CpuSeconds }> {
  const before = cpuSeconds(parts);
  const result = await work();
  const after = cpuSeconds(parts);
  const used = Object.keys(parts).map((name) => [name, Math.max(0, (after[name] ?? 0) - (before[name] ?? 0))] as const);
  return { result, cpu: Object.fromEntries(used) };
}

function below(root: number, all: readonly ProcessTime[]): ProcessTime[] {
  const found = all.filter(({ pid }) => pid === root);
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid));
  return found;
}

function processTimes(): ProcessTime[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [parseStat(readFileSync(`/proc/${name}/stat`, "utf8"))];
      } catch {
        return []; // It has ended since the folder was listed.
      }
    });
}

/** A line of /proc/PID/stat (proc_pid_stat(5)). The program's name may hold spaces and parentheses. */
export function parseStat(line: string): ProcessTime {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  // From the third field on: state, ppid, …; utime, stime, cutime and cstime are the 14th to the 17th.
  const fields = line.slice(close + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number(line.slice(0, open)), parent: Number(fields[1]), program: line.slice(open + 1, close), ticks };
}

/** As a note shows it: seconds in all, and what falls to each of `count`. */
export function describeCpu(cpu: CpuSeconds, count: number): string {
  return Object.entries(cpu)
    .map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s (${perUnit(seconds, count)})`)
    .join(", ");
}

function perUnit(seconds: number, count: number): string {
  const milliseconds = (seconds * 1_000) / count;
  return milliseconds >= 0.1 ? `${milliseconds.toFixed(2)} ms each` : `${(milliseconds * 1_000).toFixed(1)} µs each`;
}
