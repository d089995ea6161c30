import type { Plan } from "../../config/plans.ts";
import type { Channel } from "../../db/channels.ts";
import { type Hole, nextHole } from "./coverage.ts";
import type { CountFrom } from "./stored-counts.ts";

/** How many of a channel's newest messages a plan reaches back; null: all. */
export function depthOf(plan: Plan, historyDepthFree: number): number | null {
  return plan === "free" ? historyDepthFree : null;
}

/** A hole, and how many messages of it are within the plan's depth; null: all. */
export interface HoleInReach extends Hole {
  readonly most: number | null;
}

/**
 * The newest hole within a plan's depth and above the lowest id that the account may see; null where there is nothing
 * (more) to read. Within the depth: fewer than that many messages are stored above the hole.
 */
export async function holeWithin(
  countFrom: CountFrom,
  channel: Channel,
  reach: { readonly availableMinId: number; readonly depth: number | null },
): Promise<HoleInReach | null> {
  const hole = nextHole(channel, Math.max(1, reach.availableMinId));
  if (!hole) return null;
  if (reach.depth === null) return { ...hole, most: null };
  const most = reach.depth - (await countFrom(channel, hole.offsetId));
  return most > 0 ? { ...hole, most } : null;
}
