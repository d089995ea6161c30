import { expect, it } from "vitest";
import { gapLines, type LedgerLine, progressText } from "../../cli/channel-gaps.ts";
import type { ChannelLedger } from "../../db/ledger.ts";

const complete: ChannelLedger = {
  channelId: 5n,
  visibleFrom: 1,
  covered: 200,
  unverified: 0,
  missing: 0,
  gaps: { missing: [], unverified: [] },
  gapCounts: { missing: 0, unverified: 0 },
  incompleteSince: null,
};
const line = (ledger: Partial<ChannelLedger>, username: string | null = "news"): LedgerLine => ({
  id: 5n,
  username,
  title: "News",
  kind: "broadcast",
  state: "active",
  pts: 1,
  topMessageId: 200,
  covered: [],
  unverified: [],
  revision: 0n,
  keptDays: null,
  subscribers: 1,
  messages: 1,
  deleted: 0,
  missing: 0,
  ledger: { ...complete, ...ledger },
});

it("prints the gaps of incomplete channels, how many more there are, and since when", () => {
  const holed = line({
    covered: 150,
    missing: 49,
    unverified: 1,
    gaps: {
      missing: [
        { from: 160, to: 190 },
        { from: 7, to: 7 },
      ],
      unverified: [{ from: 3, to: 3 }],
    },
    gapCounts: { missing: 5, unverified: 1 },
    incompleteSince: new Date("2026-03-01T12:00:00Z"),
  });
  expect(gapLines([line({}), holed, line({ covered: 0, missing: 0 })])).toEqual([
    "@news: 75 % covered, incomplete since 2026-03-01 12:00:00Z",
    "  missing 49 ids: 160–190, 7, and 3 more ranges",
    "  unverified 1 id: 3",
  ]);
  expect(gapLines([line({})])).toEqual(["no gaps: everything that may be seen is covered"]);
});

it("says 100 % only of what is covered whole, and nothing of what holds nothing", () => {
  expect(progressText(complete)).toBe("100 %");
  expect(progressText({ ...complete, covered: 9_999, missing: 1 })).toBe("99 %");
  expect(progressText({ ...complete, covered: 0 })).toBeNull();
});
