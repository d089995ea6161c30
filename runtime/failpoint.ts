/** Places where fault tests end or freeze a process: within a fenced transaction, after it, after a job's work. */
export type FailpointName = "committing" | "committed" | "acknowledging";

/** Told when the process passes one of these places. */
export type Failpoint = (name: FailpointName) => void;

const SIGNALS = { kill: "SIGKILL", stop: "SIGSTOP" } as const;

/** A failpoint at which this process sends itself SIGKILL or SIGSTOP when it passes for the `times`-th time. */
export function createFailpoint(armed: {
  readonly name: FailpointName;
  readonly times: number;
  readonly action: keyof typeof SIGNALS;
}): Failpoint {
  let left = armed.times;
  return (name) => {
    if (name !== armed.name) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, SIGNALS[armed.action]);
  };
}

/** One that does nothing. */
export const noFailpoint: Failpoint = () => {};
