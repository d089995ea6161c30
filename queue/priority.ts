/** BullMQ serves lower numbers first, and takes 1 to 2^21. */
const HIGHEST = 2 ** 21;
const STEP_MS = 10_000;

/** How much later than it is due a job may be served than a premium parse due at the same time. */
const HANDICAP_MS = { premium: 0, trial: 10_000, free: 60_000, backfill: 600_000, reconcile: 1_800_000 } as const;
export type Urgency = keyof typeof HANDICAP_MS | "manual";

/**
 * Priority by deadline: when the job was due, plus its plan's handicap, in steps of ten seconds. A job therefore ages
 * upward by waiting, and no load of premium parses starves the others for good. Wraps every 242 days: for the length
 * of one backlog the order is then wrong, nothing else.
 */
export function priorityOf(urgency: Urgency, dueAt: Date): number {
  if (urgency === "manual") return 1;
  const step = Math.floor((dueAt.getTime() + HANDICAP_MS[urgency]) / STEP_MS);
  return 2 + (step % (HIGHEST - 2));
}
