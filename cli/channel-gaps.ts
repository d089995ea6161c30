import type { ChannelSummary } from "../db/channels.ts";
import { type ChannelLedger, progressOf } from "../db/ledger.ts";
import type { IdRange } from "../db/ranges.ts";
import { when } from "./output.ts";

/** A line of `channels list`, with what is known of its ids. */
export type LedgerLine = ChannelSummary & { readonly ledger: ChannelLedger };

/** How much is covered, rounded down: 100 % only where all is. Null where there is nothing yet. */
export function progressText(ledger: ChannelLedger): string | null {
  const part = progressOf(ledger);
  return part === null ? null : `${Math.floor(part * 100)} %`;
}

/** The missing and unverified ids of each channel that has any, the newest first, and since when. */
export function gapLines(lines: readonly LedgerLine[]): string[] {
  const incomplete = lines.filter(({ ledger }) => ledger.missing + ledger.unverified > 0);
  if (incomplete.length === 0) return ["no gaps: everything that may be seen is covered"];
  return incomplete.flatMap(({ id, username, ledger }) => {
    const since = when(ledger.incompleteSince);
    return [
      `${username ? `@${username}` : id}: ${progressText(ledger)} covered${since ? `, incomplete since ${since}` : ""}`,
      ...kind("missing", ledger),
      ...kind("unverified", ledger),
    ];
  });
}

function kind(name: "missing" | "unverified", ledger: ChannelLedger): string[] {
  if (ledger[name] === 0) return [];
  const shown = ledger.gaps[name];
  const more = ledger.gapCounts[name] - shown.length;
  const ids = ledger[name] === 1 ? "1 id" : `${ledger[name]} ids`;
  return [`  ${name} ${ids}: ${shown.map(rangeText).join(", ")}${more > 0 ? `, and ${more} more ranges` : ""}`];
}

const rangeText = ({ from, to }: IdRange): string => (from === to ? `${from}` : `${from}–${to}`);
