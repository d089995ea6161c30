import { answering } from "../../db/unreachable.ts";
import { DeadlinePassed, withDeadline } from "../../runtime/deadline.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { isRedisAway } from "../../runtime/redis-away.ts";

/** `off`: not there, and nobody said that it should be. */
export type PartState = "ok" | "degraded" | "down" | "off";

/** What was found of a part, in words, and what an operator does about it. */
export interface Finding {
  readonly state: PartState;
  readonly says: string;
  readonly todo?: string;
  readonly facts?: unknown;
}

export interface Part extends Finding {
  readonly name: string;
}

/** A part that does not answer in this time is down. */
export const PATIENCE_MS = 3_000;

const ORDER: readonly PartState[] = ["off", "ok", "degraded", "down"];

/** The gravest of several findings says what is to be done; all of them say what is so. */
export function together(findings: readonly Finding[]): Finding {
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(b.state) - ORDER.indexOf(a.state));
  const todo = sorted.flatMap((one) => one.todo ?? []);
  return {
    state: sorted[0]?.state ?? "ok",
    says: sorted.map((one) => one.says).join("; "),
    ...(todo.length > 0 ? { todo: [...new Set(todo)].join("; ") } : {}),
  };
}

/** Looks at a part: what fails, or takes too long, is down, and never an error. */
export async function lookAt(name: string, work: () => Promise<Finding>): Promise<Part> {
  try {
    return { name, ...(await withDeadline(name, PATIENCE_MS, answering(work))) };
  } catch (error) {
    return { name, ...failure(error) };
  }
}

function failure(error: unknown): Finding {
  if (error instanceof DeadlinePassed)
    return {
      state: "down",
      says: `did not answer in ${PATIENCE_MS / 1_000} s`,
      todo: "see whether it hangs, or the network",
    };
  if (isRedisAway(error)) return { state: "down", says: "does not answer", todo: "start Redis, or correct REDIS_URL" };
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof OperatorError)) return { state: "down", says: message.replace(/\s+/g, " ") };
  // Ours say what is wrong, then what to do.
  const colon = message.lastIndexOf(": ");
  return colon === -1
    ? { state: "down", says: message }
    : { state: "down", says: message.slice(0, colon), todo: message.slice(colon + 2) };
}

/** Where a service is down, whatever was asked of it could not be told: that is said, and not each failure of its own. */
export function blame(parts: readonly Part[], dependents: Readonly<Record<string, readonly string[]>>): Part[] {
  const isDown = (name: string) => parts.some((part) => part.name === name && part.state === "down");
  return parts.map((part) => {
    const service = Object.keys(dependents).find((name) => dependents[name]?.includes(part.name) && isDown(name));
    if (service === undefined || part.state !== "down") return part;
    return { name: part.name, state: "down", says: `cannot be told while ${service} is down` };
  });
}

export const overall = (parts: readonly Part[]): Exclude<PartState, "off"> => {
  if (parts.some(({ state }) => state === "down")) return "down";
  return parts.some(({ state }) => state === "degraded") ? "degraded" : "ok";
};

/** 90 s, 12 min, 3 h, 5 days. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

export const count = (number: number, one: string, more = `${one}s`): string =>
  `${number} ${number === 1 ? one : more}`;
