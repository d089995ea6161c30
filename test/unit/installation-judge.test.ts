import { describe, expect, test } from "vitest";
import type { Installation, Seen, Whereabouts } from "../../db/installation.ts";
import { judge } from "../../telegram/installation/judge.ts";

const row: Installation = {
  id: "one",
  systemIdentifier: "7",
  databaseOid: 5n,
  installId: "home",
  counter: 100n,
  nonce: "n100",
  begunAt: new Date(0),
  retiringAt: null,
  retiredAt: null,
};
const here: Whereabouts = { systemIdentifier: "7", databaseOid: 5n, timeline: "00000001" };
const mark: Seen = { id: "one", counter: 100n, nonce: "n100", timeline: "00000001" };

const verdict = (
  change: {
    row?: Partial<Installation>;
    here?: Partial<Whereabouts>;
    installId?: string | null;
    seen?: Partial<Seen>[];
  } = {},
) =>
  judge(
    { ...row, ...change.row },
    { ...here, ...change.here },
    change.installId === undefined ? "home" : change.installId,
    (change.seen ?? [{}]).map((seen) => ({ ...mark, ...seen })),
  );

describe("whether a database is the one that it says to be", () => {
  test.each([
    ["as it was", {}, null],
    ["never seen before, as after FLUSHALL", { seen: [] }, null],
    ["further than its mark", { row: { counter: 101n, nonce: "n101" } }, null],
    ["restored from a dump into another cluster", { here: { systemIdentifier: "8" } }, "other_cluster"],
    ["moved to a server that tells nothing", { here: { systemIdentifier: null } }, "other_cluster"],
    ["begun on a server that tells nothing, and moved", { row: { systemIdentifier: null } }, "other_cluster"],
    ["copied within its cluster", { here: { databaseOid: 6n } }, "other_database"],
    ["opened by another installation", { installId: "elsewhere" }, "other_install"],
    ["opened by one that has no name", { installId: null }, "other_install"],
    ["begun without a name", { row: { installId: null }, installId: "home" }, null],
    ["put back by one raise", { row: { counter: 99n, nonce: "n99" } }, "gone_back"],
    ["gone on beside its copy", { row: { nonce: "another" } }, "went_another_way"],
    ["replaced by an adopted one", { seen: [{ id: "two" }] }, "replaced"],
    ["retired", { row: { retiringAt: new Date() } }, "retired"],
    ["after a failover that lost a little", { row: { counter: 95n }, here: { timeline: "00000002" } }, null],
    [
      "after a failover that lost a little, and went on to the same number",
      { row: { nonce: "another" }, here: { timeline: "00000002" } },
      null,
    ],
    ["restored to a point long ago", { row: { counter: 90n }, here: { timeline: "00000002" } }, "gone_back"],
    ["put back where no timeline is told", { row: { counter: 99n }, here: { timeline: null } }, "gone_back"],
    ["behind one of two marks", { row: { counter: 99n }, seen: [{ counter: 50n }, {}] }, "gone_back"],
  ] as const)("%s", (_, change, wanted) => {
    expect(verdict(change as Parameters<typeof verdict>[0])).toBe(wanted);
  });
});
