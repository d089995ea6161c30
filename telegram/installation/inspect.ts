import type { Database } from "../../db/database.ts";
import {
  type Installation,
  lookAround,
  readSystemIdentifier,
  type Tells,
  type Whereabouts,
} from "../../db/installation.ts";
import { readTimeline } from "../../db/server.ts";
import { judge, type Refusal } from "./judge.ts";
import { type Kept, type MarkStore, markOf } from "./marks.ts";

/** What there is to see of a database's installation, for whoever only looks. */
export interface Inspected {
  readonly here: Whereabouts;
  /** Null: none has begun in it, and the first process begins one. */
  readonly installation: Installation | null;
  readonly refused: Refusal | null;
  readonly kept: readonly { readonly store: MarkStore; readonly before: Kept | null }[];
}

/** Asks as the guard does, and changes nothing. */
export async function inspectInstallation(options: {
  readonly database: Database;
  readonly installId: string | null;
  readonly marks: readonly MarkStore[];
}): Promise<Inspected> {
  const { database, installId, marks } = options;
  const tells = await whatServerTells(database);
  const { here, installation } = await database.asWorker((tx) => lookAround(tx, tells));
  const kept = await Promise.all(marks.map(async (store) => ({ store, before: await store.read(here) })));
  const outside = kept.flatMap(({ before }) => before?.mark ?? []);
  return { here, installation, refused: installation && judge(installation, here, installId, outside), kept };
}

/** The marks follow what has been adopted: whatever they were. */
export async function replaceMarks({ here, kept }: Inspected, installation: Installation): Promise<void> {
  const mark = markOf(installation, here);
  for (const { store } of kept)
    for (let written = false; !written; ) written = await store.replace(here, await store.read(here), mark);
}

/** Each question by itself: one that is refused spoils its transaction. @param onSilence where the server keeps it to itself */
export async function whatServerTells(
  database: Database,
  onSilence: (what: string, error: unknown) => void = () => undefined,
): Promise<Tells> {
  const told = (what: string, read: Parameters<Database["once"]>[0]) =>
    database.once(read).then(
      () => true,
      async (error: unknown) => {
        // Away is another thing than silent.
        await database.check();
        onSilence(what, error);
        return false;
      },
    );
  return {
    system: await told("system identifier", readSystemIdentifier),
    timeline: await told("timeline", readTimeline),
  };
}
