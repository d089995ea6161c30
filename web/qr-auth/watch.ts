import { Refused, type Status } from "./api.ts";

const EVERY_MS = 2_000;
/** Whoever is offline, or asked to wait, is asked for ever more rarely, up to this. */
const LONGEST_MS = 30_000;

/** Asks again and again how a login stands. */
export interface Watch {
  stop(): void;
  /** Does something that changes how it stands, and asks no more while it does. */
  meanwhile<T>(work: () => Promise<T>): Promise<T>;
}

/** One question at a time, none while nobody looks at the page; at once when it is looked at again, or back online. */
export function watchStatus(options: {
  readonly ask: () => Promise<Status>;
  readonly onStatus: (status: Status) => void;
  /** What keeps it from knowing; null: nothing does any more. */
  readonly onTrouble: (trouble: "offline" | "busy" | null) => void;
  /** Our server has refused for good. */
  readonly onRefused: (refusal: Refused) => void;
  /** The document: whether anybody looks. */
  readonly page: EventTarget & { readonly hidden: boolean };
  /** The window: it hears when there is a connection again. */
  readonly network: EventTarget;
}): Watch {
  const { page, network } = options;
  let stopped = false;
  let held = 0;
  /** An answer from before something was done is not about how things stand after it. */
  let era = 0;
  let asking = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;

  const later = (ms: number) => {
    if (timer !== null) clearTimeout(timer);
    timer = stopped ? null : setTimeout(turn, ms);
  };

  async function turn(): Promise<void> {
    if (stopped || asking || held > 0 || page.hidden) return;
    asking = true;
    const askedIn = era;
    const answer = await options.ask().catch((error: unknown) => error);
    asking = false;
    if (stopped || askedIn !== era) {
      later(EVERY_MS);
      return;
    }
    const failed = answer instanceof Error;
    failures = failed ? failures + 1 : 0;
    const asked = answer instanceof Refused ? (answer.retryAfterSeconds ?? 0) * 1_000 : 0;
    later(failed ? Math.max(asked, Math.min(LONGEST_MS, EVERY_MS * 2 ** (failures - 1))) : EVERY_MS);
    if (answer instanceof Refused && answer.status !== 429 && answer.code !== "internal") options.onRefused(answer);
    else options.onTrouble(failed ? (answer instanceof Refused ? "busy" : "offline") : null);
    if (!failed) options.onStatus(answer as Status);
  }

  const wake = () => {
    if (!page.hidden) later(0);
  };
  page.addEventListener("visibilitychange", wake);
  network.addEventListener("online", wake);
  wake();

  return {
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      page.removeEventListener("visibilitychange", wake);
      network.removeEventListener("online", wake);
    },
    async meanwhile(work) {
      held += 1;
      era += 1;
      try {
        return await work();
      } finally {
        held -= 1;
        later(EVERY_MS);
      }
    },
  };
}
