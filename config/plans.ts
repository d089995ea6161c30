/** The plans, and which one is in force. */
export const PLANS = ["premium", "trial", "free"] as const;
export type Plan = (typeof PLANS)[number];

export interface PlanIntervals {
  /** Milliseconds between two parses of one user. */
  readonly premiumMs: number;
  readonly trialMs: number;
  readonly freeMs: number;
}

/** What a user row says about plans. */
export interface PlanFacts {
  readonly plan: string;
  readonly paidUntil: Date | null;
  readonly trialExpiresAt: Date | null;
}

/** `paid_until` in the future: the plan paid for; else a trial that runs: trial; else free. */
export function planInForce(facts: PlanFacts, now: Date): Plan {
  if (facts.paidUntil && facts.paidUntil > now) return facts.plan === "premium" ? "premium" : "free";
  if (facts.trialExpiresAt && facts.trialExpiresAt > now) return "trial";
  return "free";
}

export function intervalOf(plan: Plan, intervals: PlanIntervals): number {
  return { premium: intervals.premiumMs, trial: intervals.trialMs, free: intervals.freeMs }[plan];
}

/**
 * When the next parse is due: one interval after the slot that has just been served, spread by ±5 % so that users who
 * began together drift apart, and never in the past: a run that was long skips no interval.
 *
 * After an outage of more than another interval everybody was served at once; the next slots are then spread over the
 * whole interval, since a herd would stay one.
 *
 * @param spread a random number in [0, 1)
 */
export function nextParseAt(slot: Date, intervalMs: number, now: Date, spread: number): Date {
  const next = slot.getTime() + intervalMs * (0.95 + 0.1 * spread);
  const lateMs = now.getTime() - next;
  if (lateMs > intervalMs) return new Date(now.getTime() + intervalMs * spread);
  return new Date(Math.max(now.getTime(), next));
}
