import type { Witness } from "./dc/service.ts";

type CallEvent = Parameters<Witness["call"]>[0];

/** A call as remembered. */
export interface WitnessedCall extends CallEvent {
  /** Counts all calls, from 1. */
  readonly number: number;
}

/** A connection as remembered with a key. */
export interface WitnessedConnection {
  readonly connectionId: number;
  readonly dcId: number;
  readonly sessionId: bigint;
  /** When its first frame with the key came, milliseconds. */
  readonly firstFrameAt: number;
  closedAt: number | null;
}

/** JSON-safe: 64-bit numbers are strings. */
export interface WitnessSummary {
  readonly calls: number;
  readonly callsByMethod: Readonly<Record<string, number>>;
  readonly callsByAccount: Readonly<Record<string, number>>;
  readonly callsByApiId: Readonly<Record<string, number>>;
  /** By outcome: "ok" and names of errors, `FLOOD_WAIT_X` for all of its kind. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly waits: number;
  readonly earlyCalls: number;
  readonly violations: number;
  readonly keysKilled: number;
  readonly apiIdChanges: number;
  readonly connectionsOpen: number;
  readonly connectionsTotal: number;
}

/** A witness that can be questioned. Counters are exact; of calls and connections only the last ones are remembered. */
export interface QuestionableWitness extends Witness {
  summary(): WitnessSummary;
  /** Remembered calls, oldest first: those after `since` (milliseconds), of one account or method. */
  calls(which?: { since?: number; accountId?: bigint; method?: string }): WitnessedCall[];
  violations(): readonly Parameters<Witness["violation"]>[0][];
  keysKilled(): readonly Parameters<Witness["keyKilled"]>[0][];
  /** The connections of a key, oldest first. */
  connectionsOf(keyId: bigint): readonly WitnessedConnection[];
  connectionsOpen(): number;
}

/** How much is remembered. */
export interface WitnessMemory {
  readonly calls: number;
  readonly connectionsPerKey: number;
  readonly events: number;
}

/** Keeps the log of connections and calls in memory. */
export function createWitness(memory: Partial<WitnessMemory> = {}): QuestionableWitness {
  const limits = { calls: 50_000, connectionsPerKey: 256, events: 10_000, ...memory };
  const calls: WitnessedCall[] = [];
  const count = { calls: 0, waits: 0, early: 0, violations: 0, killed: 0, apiIdChanges: 0, connections: 0 };
  const byMethod = new Map<string, number>();
  const byAccount = new Map<string, number>();
  const byApiId = new Map<string, number>();
  const outcomes = new Map<string, number>();
  const open = new Map<number, { readonly dcId: number; readonly uses: WitnessedConnection[] }>();
  const byKey = new Map<bigint, WitnessedConnection[]>();
  const violations: Parameters<Witness["violation"]>[0][] = [];
  const killed: Parameters<Witness["keyKilled"]>[0][] = [];

  return {
    connectionOpened({ connectionId, dcId }) {
      count.connections += 1;
      open.set(connectionId, { dcId, uses: [] });
    },
    connectionClosed({ connectionId, at }) {
      for (const use of open.get(connectionId)?.uses ?? []) use.closedAt = at;
      open.delete(connectionId);
    },
    keySeen({ connectionId, keyId, sessionId, at }) {
      const connection = open.get(connectionId);
      const use = { connectionId, dcId: connection?.dcId ?? 0, sessionId, firstFrameAt: at, closedAt: null };
      connection?.uses.push(use);
      const history = byKey.get(keyId) ?? [];
      byKey.set(keyId, history);
      remember(history, use, limits.connectionsPerKey);
    },
    keyKilled(event) {
      count.killed += 1;
      remember(killed, event, limits.events);
    },
    call(event) {
      count.calls += 1;
      if (event.waitSeconds !== null) count.waits += 1;
      if (event.early) count.early += 1;
      increment(byMethod, event.method);
      increment(byAccount, event.accountId === null ? "none" : String(event.accountId));
      increment(byApiId, String(event.apiId));
      increment(outcomes, event.outcome.replace(/_\d+$/, "_X"));
      remember(calls, { ...event, number: count.calls }, limits.calls);
    },
    violation(event) {
      count.violations += 1;
      remember(violations, event, limits.events);
    },
    apiIdChanged() {
      count.apiIdChanges += 1;
    },
    summary: () => ({
      calls: count.calls,
      callsByMethod: Object.fromEntries(byMethod),
      callsByAccount: Object.fromEntries(byAccount),
      callsByApiId: Object.fromEntries(byApiId),
      outcomes: Object.fromEntries(outcomes),
      waits: count.waits,
      earlyCalls: count.early,
      violations: count.violations,
      keysKilled: count.killed,
      apiIdChanges: count.apiIdChanges,
      connectionsOpen: open.size,
      connectionsTotal: count.connections,
    }),
    calls: ({ since, accountId, method } = {}) =>
      calls
        .slice(-limits.calls)
        .filter(
          (call) =>
            (since === undefined || call.at > since) &&
            (accountId === undefined || call.accountId === accountId) &&
            (method === undefined || call.method === method),
        ),
    violations: () => violations.slice(-limits.events),
    keysKilled: () => killed.slice(-limits.events),
    connectionsOf: (keyId) => (byKey.get(keyId) ?? []).slice(-limits.connectionsPerKey),
    connectionsOpen: () => open.size,
  };
}

/** Keeps at least the last `limit` items; the front is cut off in one go, when as many more have gathered. */
function remember<T>(list: T[], item: T, limit: number): void {
  list.push(item);
  if (list.length >= limit * 2) list.splice(0, list.length - limit);
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
