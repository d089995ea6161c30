import { sleep } from "../../runtime/sleep.ts";

/** Sleep that can be cut short. */
export interface Alarm {
  /** Ends the sleep under way, or the next one before it begins. */
  ring(): void;
  /** Forgets earlier rings: for right before one looks for what they are about. */
  reset(): void;
  sleep(milliseconds: number): Promise<void>;
}

export function createAlarm(): Alarm {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    reset: () => {
      rung = new AbortController();
    },
    sleep: (milliseconds) => sleep(milliseconds, rung.signal),
  };
}
