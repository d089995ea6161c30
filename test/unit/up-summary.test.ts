import { describe, expect, it } from "vitest";
import { sumOf } from "../../cli/up/counters.ts";
import { exitCodeOf, type Summary } from "../../cli/up/summary.ts";

const clean: Summary = {
  users: 1,
  parses: 1,
  messages: 1,
  edits: 0,
  deletions: 0,
  lost: 0,
  doubled: 0,
  violations: 0,
  duplicateKeys: 0,
  lagP99Seconds: 0.1,
  arrival: null,
};

describe("the exit code of up", () => {
  it("is 0 where nothing was lost, doubled, called early or killed", () => {
    expect(exitCodeOf(clean)).toBe(0);
  });
  it("is 0 where Telegram itself cannot be asked", () => {
    expect(exitCodeOf({ ...clean, lost: null, violations: null, duplicateKeys: null })).toBe(0);
  });
  it.each(["lost", "doubled", "violations", "duplicateKeys"] as const)("is 1 where %s is not 0", (count) => {
    expect(exitCodeOf({ ...clean, [count]: 1 })).toBe(1);
  });
});

describe("sums of a metric", () => {
  const text = [
    "# HELP messages_stored_total Messages stored.",
    'messages_stored_total{change="new"} 41',
    'messages_stored_total{change="edited"} 2',
    "messages_stored_total_created 7",
    "users_due 3",
  ].join("\n");
  it("adds up all labels, or those asked for, and no other metric", () => {
    expect(sumOf(text, "messages_stored_total")).toBe(43);
    expect(sumOf(text, "messages_stored_total", 'change="new"')).toBe(41);
    expect(sumOf(text, "users_due")).toBe(3);
  });
});
