/** Thrown by a handler: not now. The job goes on at `until`, no attempt is used up. */
export class Snooze extends Error {
  override name = "Snooze";
  readonly until: Date;

  constructor(until: Date, why: string) {
    super(why);
    this.until = until;
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
