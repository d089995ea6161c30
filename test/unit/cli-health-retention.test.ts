import { expect, it } from "vitest";
import { judgeRetention } from "../../cli/health/retention.ts";

const task = (name: string, secondsAgo: number) => ({
  ...{ task: name, secondsAgo, beganAt: new Date(), succeededAt: null },
});

it("says which work on what is kept too long has not been done for hours", () => {
  expect(judgeRetention([])).toMatchObject({ state: "ok" });
  expect(judgeRetention([task("old runs", 3_600), task("old messages", 60)])).toMatchObject({
    state: "ok",
    says: "2 kinds of work, all done lately",
  });
  expect(judgeRetention([task("old runs", 20_000), task("old messages", 60)])).toMatchObject({
    state: "degraded",
    says: expect.stringContaining("old runs not done for"),
  });
});
