import type { ServerFacts } from "../../db/health.ts";
import type { RedisFacts } from "../../queue/redis-facts.ts";
import { count, type Finding, together } from "./part.ts";

/** A service that takes longer than this to answer holds everything up. */
const SLOW_MS = 250;
/** Clocks that differ by more make snoozed jobs late, and what is shown here wrong. */
const SKEW_MS = 2_000;

export function judgePostgres(facts: ServerFacts, roundTripMs: number): Finding {
  const findings: Finding[] = [];
  if (facts.isReplica)
    findings.push({
      state: "down",
      says: "is a replica, which takes no writes",
      todo: "point DATABASE_URL at the primary",
    });
  if (facts.connections >= 0.9 * facts.maxConnections)
    findings.push({
      state: "degraded",
      says: `has ${facts.connections} of ${facts.maxConnections} connections in use`,
      todo: "raise max_connections, or put PgBouncer before it (docs/scaling.md)",
    });
  if (roundTripMs > SLOW_MS)
    findings.push({
      state: "degraded",
      says: `takes ${Math.round(roundTripMs)} ms to answer`,
      todo: "see what keeps it busy (select * from pg_stat_activity), and the network",
    });
  if (findings.length > 0) return together(findings);
  const followed = facts.replicas > 0 ? `, ${count(facts.replicas, "replica")}` : "";
  return {
    state: "ok",
    says: `${facts.version}, schema up to date, ${facts.connections} of ${facts.maxConnections} connections${followed}`,
  };
}

/** Of each node, or why it did not answer. */
export function judgeRedis(nodes: readonly { readonly node: string; readonly facts: RedisFacts | null }[]): Finding {
  const answered = nodes.flatMap(({ facts }) => facts ?? []);
  if (answered.length === 0)
    return { state: "down", says: "does not answer", todo: "start Redis, or correct REDIS_URL" };
  const silent = nodes.filter(({ facts }) => facts === null);
  const where = (facts: RedisFacts) => (nodes.length === 1 ? "" : `${facts.node} `);
  const findings: Finding[] = silent.map(({ node }) => ({
    state: "degraded",
    says: `${node} does not answer`,
    todo: `bring ${node} back`,
  }));
  for (const facts of answered) findings.push(...faultsOf(facts, where(facts), nodes.length === 1));
  if (findings.length > 0) return together(findings);
  const [first] = answered;
  const used = answered.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  const limit = answered.reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  const nodesText = nodes.length === 1 ? "" : `${count(nodes.length, "node")}, `;
  return {
    state: "ok",
    says: `${first?.version}, ${nodesText}noeviction, ${megabytes(used)}${limit > 0 ? ` of ${megabytes(limit)}` : " in use"}`,
  };
}

function faultsOf(facts: RedisFacts, where: string, alone: boolean): Finding[] {
  const findings: Finding[] = [];
  if (facts.loading)
    findings.push({ state: "down", says: `${where}is loading its data`, todo: "wait until it has read its file" });
  if (alone && facts.role !== "master")
    findings.push({
      state: "down",
      says: `is a ${facts.role === "slave" ? "replica" : facts.role}, which takes no writes`,
      todo: "point REDIS_URL at the primary, or at its sentinels (docs/scaling.md)",
    });
  if (facts.policy !== "noeviction")
    findings.push({
      state: "down",
      says: `${where}evicts keys (maxmemory-policy ${facts.policy}), and jobs would be lost`,
      todo: "redis-cli config set maxmemory-policy noeviction, and in redis.conf",
    });
  const full = facts.maxBytes > 0 ? facts.usedBytes / facts.maxBytes : 0;
  if (full >= 0.8)
    findings.push({
      state: full >= 0.95 ? "down" : "degraded",
      says: `${where}is ${Math.floor(full * 100)} % full (${megabytes(facts.usedBytes)} of ${megabytes(facts.maxBytes)})`,
      todo: "raise maxmemory; see what fills it: gramfleet queue status",
    });
  if (facts.roundTripMs > SLOW_MS)
    findings.push({
      state: "degraded",
      says: `${where}takes ${Math.round(facts.roundTripMs)} ms to answer`,
      todo: "see what keeps it busy (redis-cli slowlog get), and the network",
    });
  return findings;
}

/** @param ahead by how many milliseconds each clock is ahead of this machine's */
export function judgeClocks(ahead: Readonly<Record<string, number>>): Finding {
  const told = Object.entries(ahead).map(([name, ms]) => {
    const off = `${(Math.abs(ms) / 1_000).toFixed(1)} s`;
    return { ms: Math.abs(ms), text: `${name}'s is ${off} ${ms > 0 ? "ahead of" : "behind"} this machine's` };
  });
  const wrong = told.filter(({ ms }) => ms > SKEW_MS);
  if (wrong.length > 0)
    return {
      state: "degraded",
      says: wrong.map(({ text }) => text).join("; "),
      todo: "have chrony or systemd-timesyncd set the clock of each machine",
    };
  return { state: "ok", says: `within ${SKEW_MS / 1_000} s of each other` };
}

export function judgeDisk(freeBytes: number, allBytes: number, where: string): Finding {
  const says = `${megabytes(freeBytes)} free at ${where}`;
  const todo = "make room: PostgreSQL stops when its disk is full";
  if (freeBytes < 200e6) return { state: "down", says, todo };
  return freeBytes < Math.min(0.05 * allBytes, 5e9) ? { state: "degraded", says, todo } : { state: "ok", says };
}

const megabytes = (bytes: number): string =>
  bytes >= 10e9 ? `${Math.round(bytes / 1e9)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
