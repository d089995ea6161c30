import type { TaskState } from "../../db/maintenance-tasks.ts";
import { count, duration, type Finding } from "./part.ts";

/** Each part of the work is done every hour, or oftener. */
const LATE_SECONDS = 3 * 3_600;

/** Whether what has been kept for long enough goes. */
export function judgeRetention(tasks: readonly TaskState[]): Finding {
  if (tasks.length === 0) return { state: "ok", says: "nothing was done yet: a scheduler begins with it" };
  const late = tasks.filter(({ secondsAgo }) => secondsAgo > LATE_SECONDS);
  if (late.length === 0) return { state: "ok", says: `${count(tasks.length, "kind")} of work, all done lately` };
  return {
    state: "degraded",
    says: late.map(({ task, secondsAgo }) => `${task} not done for ${duration(secondsAgo)}`).join(", "),
    todo: 'see "loop turn failed" of the loop retention in the schedulers\' log (docs/retention.md)',
  };
}
