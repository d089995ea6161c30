import type { Urgency } from "./priority.ts";

/** Thrown by a handler: not now. The job goes on at `until`, no attempt is used up. */
export class Snooze extends Error {
  override name = "Snooze";
  readonly until: Date;
  /** Set where the job takes a new place in its queue, as if it had been added now; else it keeps the one it has. */
  readonly urgency: Urgency | null;

  constructor(until: Date, why: string, urgency: Urgency | null = null) {
    super(why);
    this.until = until;
    this.urgency = urgency;
  }
}

/** Thrown by a handler: never again. The job ends as failed, with the reason, and is not retried. */
export class Discard extends Error {
  override name = "Discard";
}

/** Thrown by a handler: the whole queue (one API ID) pauses for `milliseconds`; the job goes on afterwards. */
export class PauseQueue extends Error {
  override name = "PauseQueue";
  readonly milliseconds: number;

  constructor(milliseconds: number, why: string) {
    super(why);
    this.milliseconds = milliseconds;
  }
}
