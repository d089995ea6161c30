import { describe, expect, it } from "vitest";
import { auditChannel, type Expectation, type StoredRow } from "../../cli/up/audit.ts";

const truth = {
  id: 7n,
  messages: [
    { id: 1, textDigest: "a", edits: 0 },
    { id: 2, textDigest: "b", edits: 2 },
    { id: 4, textDigest: "d", edits: 0 },
  ],
  deleted: [3],
};
const exact: StoredRow[] = [
  { id: 1, deleted: false, versions: 0, textDigest: "a" },
  { id: 2, deleted: false, versions: 2, textDigest: "b" },
  { id: 3, deleted: true, versions: 0, textDigest: "c" },
  { id: 4, deleted: false, versions: 0, textDigest: "d" },
];
const all: Expectation = { truth, visibleFrom: 0, depth: null };
const changed = (id: number, change: Partial<StoredRow>) =>
  exact.map((row) => (row.id === id ? { ...row, ...change } : row));

describe("the audit of a channel", () => {
  it("finds nothing where the rows are what is on Telegram", () => {
    expect(auditChannel(all, exact)).toEqual({ lost: 0, doubled: 0, examples: [] });
  });

  it.each([
    ["a post without a row", exact.filter((row) => row.id !== 4)],
    ["an edit that is not stored", changed(2, { textDigest: "older" })],
    ["a living post marked deleted", changed(1, { deleted: true })],
    ["a deletion that is not marked", changed(3, { deleted: false })],
  ])("counts %s as lost", (_, rows) => {
    const audit = auditChannel(all, rows);
    expect([audit.lost, audit.doubled]).toEqual([1, 0]);
    expect(audit.examples).toHaveLength(1);
  });

  it.each([
    ["a row that was never on Telegram", [...exact, { id: 9, deleted: false, versions: 0, textDigest: "z" }]],
    ["a version too many", changed(2, { versions: 3 })],
  ])("counts %s as doubled", (_, rows) => {
    const audit = auditChannel(all, rows);
    expect([audit.lost, audit.doubled]).toEqual([0, 1]);
  });

  it("asks only for what the plan's depth and the account's view reach", () => {
    const newest = exact.filter((row) => row.id >= 3);
    expect(auditChannel({ ...all, depth: 1 }, newest).lost).toBe(0);
    expect(auditChannel({ ...all, depth: 2 }, newest).lost).toBe(1);
    expect(auditChannel({ ...all, visibleFrom: 3 }, newest).lost).toBe(0);
  });
});
