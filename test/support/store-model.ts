import type { ChannelMessage } from "../../db/message.ts";
import type { DifferencePage, HistoryRows } from "../../db/messages.ts";

export interface ModelRow {
  readonly message: ChannelMessage;
  readonly deletedAt: Date | null;
  readonly statsAt: Date;
  readonly revision: bigint;
}

export interface ModelVersion {
  readonly id: number;
  readonly revision: bigint;
  readonly text: string;
  readonly editDate: Date | null;
}

interface Change {
  added: number;
  edited: number;
  deleted: number;
  revision: bigint;
}

const larger = (one: number | null, other: number | null) =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);
const time = (date: Date | null) => date?.getTime() ?? Number.NEGATIVE_INFINITY;
const same = (one: unknown, other: unknown) => JSON.stringify(plain(one)) === JSON.stringify(plain(other));
const plain = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item)));
const content = ({ text, entities, media }: ChannelMessage) => ({ text, entities, media });

/** The rules of the store in plain words, one message after the other: what PostgreSQL must agree with. */
export class StoreModel {
  pts: number | null = null;
  revision = 0n;
  top = 0;
  readonly rows = new Map<number, ModelRow>();
  readonly versions: ModelVersion[] = [];
  readonly tombstones = new Map<number, Date>();
  readonly covered = new Set<number>();
  readonly unverified = new Set<number>();

  /** Null where the page is stale. */
  difference(page: DifferencePage): Change | null {
    if (this.pts !== page.pts.from) return null;
    const change = this.#merge(page.messages, true, page.readAt);
    const next = change.revision === this.revision ? this.revision + 1n : change.revision;
    for (const id of new Set(page.deletedIds)) {
      const row = this.rows.get(id);
      if (row && !row.deletedAt) {
        this.rows.set(id, { ...row, deletedAt: page.readAt, revision: next });
        change.revision = next;
        change.deleted += 1;
      } else if (!row && !this.tombstones.has(id)) {
        this.tombstones.set(id, page.readAt);
        change.deleted += 1;
      }
    }
    for (const { ids, pinned } of page.pins) {
      for (const id of ids) {
        const row = this.rows.get(id);
        if (!row || row.deletedAt || row.message.pinned === pinned) continue;
        this.rows.set(id, { ...row, message: { ...row.message, pinned }, revision: next });
        change.revision = next;
      }
    }
    for (const { id, views, forwards } of page.counters ?? []) {
      const row = this.rows.get(id);
      if (!row || row.deletedAt || row.statsAt > page.readAt) continue;
      const stats = row.message.stats;
      const raised = { ...stats, views: larger(stats.views, views), forwards: larger(stats.forwards, forwards) };
      if (same(raised, stats)) continue;
      this.rows.set(id, { ...row, message: { ...row.message, stats: raised }, statsAt: page.readAt });
    }
    this.pts = Math.max(page.pts.from, page.pts.to);
    return this.#finish(change, page.covers, page.topMessageId);
  }

  /** Null where the page is stale. */
  history(page: HistoryRows): Change | null {
    if (this.pts !== page.ptsAtCall) return null;
    const change = this.#merge(page.messages, false, page.readAt);
    const next = change.revision === this.revision ? this.revision + 1n : change.revision;
    const present = new Set([...page.messages.map(({ id }) => id), ...(page.skippedIds ?? [])]);
    for (const [id, row] of this.rows) {
      if (!page.covers || id < page.covers.from || id > page.covers.to || present.has(id) || row.deletedAt) continue;
      this.rows.set(id, { ...row, deletedAt: page.readAt, revision: next });
      change.revision = next;
      change.deleted += 1;
    }
    if (page.newPts !== undefined) this.pts = Math.max(this.pts ?? 0, page.newPts);
    if (page.unverifyCovered) for (const id of this.covered) this.unverified.add(id);
    return this.#finish(change, page.covers, page.topMessageId ?? 0);
  }

  #finish(change: Change, covers: { from: number; to: number } | null, top: number): Change {
    for (let id = covers?.from ?? 1; id <= (covers?.to ?? 0); id += 1) {
      this.covered.add(id);
      this.unverified.delete(id);
    }
    this.top = Math.max(this.top, top);
    this.revision = change.revision;
    return change;
  }

  /** The k-th message with one id belongs to the k-th layer, and each layer that changes anything has its revision. */
  #merge(messages: readonly ChannelMessage[], winsTies: boolean, readAt: Date): Change {
    const change: Change = { added: 0, edited: 0, deleted: 0, revision: this.revision };
    const left = [...messages];
    while (left.length > 0) {
      const layer = left.filter(({ id }, index) => left.findIndex((other) => other.id === id) === index);
      for (const message of layer) left.splice(left.indexOf(message), 1);
      const next = change.revision + 1n;
      for (const message of layer) this.#put(message, winsTies, readAt, next, change);
    }
    return change;
  }

  #put(message: ChannelMessage, winsTies: boolean, readAt: Date, next: bigint, change: Change): void {
    const { id } = message;
    const row = this.rows.get(id);
    if (!row) {
      const deletedAt = this.tombstones.get(id) ?? null;
      this.rows.set(id, { message, deletedAt, statsAt: readAt, revision: next });
      change.added += 1;
      change.revision = next;
      return;
    }
    if (row.deletedAt) return;
    const stored = row.message;
    const [theirs, ours] = [time(message.editDate), time(stored.editDate)];
    const wins = theirs > ours || (theirs === ours && (winsTies || readAt > row.statsAt));
    const { stats, ...rest } = message;
    const { stats: storedStats, ...storedRest } = stored;
    if (wins && !same(rest, storedRest)) {
      if (!same(content(message), content(stored)))
        this.versions.push({ id, revision: next, text: stored.text, editDate: stored.editDate });
      if (!same(content(message), content(stored)) || theirs !== ours) change.edited += 1;
      this.rows.set(id, { message, deletedAt: null, statsAt: readAt, revision: next });
      change.revision = next;
      return;
    }
    const repinned = message.pinned !== stored.pinned;
    if (readAt <= row.statsAt || (!repinned && same(stats, storedStats))) return;
    this.rows.set(id, {
      message: { ...stored, stats, pinned: message.pinned },
      deletedAt: null,
      statsAt: readAt,
      revision: repinned ? next : row.revision,
    });
    if (repinned) change.revision = next;
  }
}
