/**
 * The wall clock, or what it would say had nobody set it back since this was called: the later of both. For something
 * short, such as a job. What was to come at a time on a clock that was set back meanwhile is not put off by as much.
 *
 * @returns a clock in whole milliseconds since the epoch
 */
export function steadyNow(): () => number {
  const ahead = Date.now() - performance.now();
  return () => Math.max(Date.now(), Math.floor(ahead + performance.now()));
}
