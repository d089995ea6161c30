import { expect, test } from "vitest";
import { withoutRun } from "../../faults/acknowledgements.ts";

test("an acknowledged parse belongs to a run of the same user that began while its job ran", () => {
  const parse = (job: string, userId: bigint, from: number, to: number) => ({ job, userId, from, to });
  const acknowledged = [parse("a", 1n, 100, 200), parse("b", 1n, 300, 400), parse("c", 2n, 100, 200)];
  const runs = [
    { userId: 1n, at: 100 },
    { userId: 1n, at: 250 },
    { userId: 2n, at: 200 },
  ];
  expect(withoutRun(acknowledged, runs).map(({ job }) => job)).toEqual(["b"]);
  expect(withoutRun(acknowledged, []).map(({ job }) => job)).toEqual(["a", "b", "c"]);
});
