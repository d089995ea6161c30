import type { Database } from "../db/database.ts";
import {
  beginInstallation,
  loadInstallation,
  lookAround,
  raiseCounter,
  type Seen,
  stillOurs,
  type Tells,
} from "../db/installation.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { startLoop } from "../runtime/loop.ts";
import { sleep } from "../runtime/sleep.ts";
import { whatServerTells } from "./installation/inspect.ts";
import { judge, REFUSALS, type Refusal } from "./installation/judge.ts";
import { type MarkStore, markOf } from "./installation/marks.ts";

/** Whether the database that a process works with is its own, and nobody else's. */
export interface InstallationGuard {
  /**
   * For every statement that takes or keeps a lease: false in a database that is not the one last looked at, whatever
   * its name leads to by now. Null: no lease may be taken.
   */
  condition(): ReturnType<typeof stillOurs> | null;
  /** Why not; null where it may, or nothing is known yet. */
  readonly refused: Refusal | null;
  /** Resolves after the first look, however it came out. */
  readonly looked: Promise<void>;
  close(): Promise<void>;
}

/** How often a look is begun again that somebody else's mark came between. */
const TRIES = 5;
/** One look of all the processes' in an interval raises the counter. */
const RAISED_AFTER = 0.8;
/** A look waits no longer for a mark's place: what it knew before goes on. */
const MARKS_WITHIN_MS = 5_000;

/**
 * Looks every `everyMs` whether the database is still the one that it was, raises its counter, and writes the marks
 * outside. What it is refused for is logged once, with what to do; it is looked at again, so that `gramfleet adopt` needs
 * no restart.
 *
 * What the marks are kept in may be away or empty: then what was seen before goes on. Before the first look nothing does.
 */
export function guardInstallation(options: {
  readonly database: Database;
  readonly installId: string | null;
  readonly marks: readonly MarkStore[];
  readonly everyMs: number;
  readonly log: Log;
}): InstallationGuard {
  const { database, installId, marks, everyMs, log } = options;
  let tells: Tells | null = null;
  let seen: Seen | null = null;
  let refused: Refusal | null = null;
  let firstLook: () => void = () => undefined;
  const looked = new Promise<void>((resolve) => {
    firstLook = resolve;
  });

  async function look(): Promise<void> {
    tells ??= await whatServerTells(database, (what, error) =>
      log.warn({ err: error }, `PostgreSQL does not tell its ${what}: a copy of the database is harder to notice`),
    );
    const can = tells;
    for (let tried = 0; tried < TRIES; tried += 1) {
      const found = await database.asWorker(async (tx) => {
        const { here, installation } = await lookAround(tx, can);
        if (!installation) await beginInstallation(tx, here, installId);
        return { here, installation: installation ?? (await loadInstallation(tx)) };
      });
      const { here } = found;
      if (!found.installation) throw new Error("the installation was not written");
      const kept = await withDeadline(
        "reading marks",
        MARKS_WITHIN_MS,
        Promise.all(marks.map(async (store) => ({ store, before: await store.read(here) }))),
      );
      const mine = seen?.id === found.installation.id ? [seen] : [];
      const outside = kept.flatMap(({ before }) => before?.mark ?? []);
      const verdict = judge(found.installation, here, installId, [...mine, ...outside]);
      // What is refused is not raised either: a copy that waits long enough would be ahead one day.
      if (verdict) return refuse(verdict);
      const { id } = found.installation;
      const installation = await database.asWorker((tx) => raiseCounter(tx, id, everyMs * RAISED_AFTER));
      if (!installation) continue;
      const mark = markOf(installation, here);
      const written = await Promise.all(kept.map(({ store, before }) => store.replace(here, before, mark)));
      if (!written.every(Boolean)) continue;
      if (refused) log.info("the database is this installation's again: sessions are opened");
      refused = null;
      seen = mark;
      return;
    }
    log.debug("marks were written by others meanwhile: looked at again later");
  }

  function refuse(verdict: Refusal): void {
    if (refused !== verdict)
      log.error(
        { reason: verdict },
        `no session is opened: ${REFUSALS[verdict]}; see docs/backup-and-restore.md, then gramfleet adopt`,
      );
    refused = verdict;
  }

  const loop = startLoop({
    name: "installation",
    everyMs,
    log,
    async turn(signal) {
      try {
        await look();
        return "rest";
      } catch (error) {
        // Nothing is opened before a look has come out: what was away may be back any moment.
        if (seen || refused) throw error;
        log.warn({ err: error }, "whose database this is could not be looked at yet");
        await sleep(everyMs / 10, signal);
        return "again";
      } finally {
        firstLook();
      }
    },
  });
  return {
    condition: () => (refused || !seen || !tells ? null : stillOurs(seen, installId, tells)),
    get refused() {
      return refused;
    },
    looked,
    close: () => loop.stop(),
  };
}
