import { expect, test } from "vitest";
import { knownSeries, readExpression, unknownIn } from "../support/promql.ts";

test("reads metrics, the labels they are asked for by, and those that are grouped by", () => {
  const expr = `histogram_quantile(0.95, sum by (le, plan) (rate(lag_seconds_bucket{plan=~"$plan", le!="sum{x}"}[15m])))
    > 1e3 and on (plan) max(users offset 1h) >= bool 20 or vector(0)`;
  expect(readExpression(expr)).toEqual({
    selectors: [
      { metric: "lag_seconds_bucket", labels: ["plan", "le"] },
      { metric: "users", labels: [] },
    ],
    groupedBy: ["le", "plan", "plan"],
  });
});

test.each([
  ['sum by (plan) (rate(schedule_lag_seconds_bucket{le="60"}[5m]))', []],
  [
    "sum by (plan) (rate(schedule_lag_second[5m]))",
    ["no metric schedule_lag_second", "nothing in it has a label plan"],
  ],
  ['schedule_lag_seconds_count{le="60"}', ["schedule_lag_seconds_count has no label le"]],
  ["sum by (user) (schedule_lag_seconds_count)", ["nothing in it has a label user"]],
  // A histogram has no series of its own name.
  ["schedule_lag_seconds", ["no metric schedule_lag_seconds"]],
  ["vector(1)", ["it reads nothing"]],
])("%s", (expr, unknown) => {
  expect(unknownIn(expr, knownSeries())).toEqual(unknown);
});
