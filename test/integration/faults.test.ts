import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Ground } from "../../bench/ground.ts";
import { runScenario } from "../../faults/run.ts";
import { chooseScenarios } from "../../faults/scenarios.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { builtProgram } from "../support/build.ts";
import { testDataDir } from "../support/data-dir.ts";
import { testDatabase, testRedis } from "../support/services.ts";

const lifecycle = new Lifecycle(silentLog);
afterAll(() => lifecycle.close());

/** The run's own PostgreSQL and Redis, instead of those that `npm run faults` starts. */
function testGround(): Ground {
  const dir = testDataDir();
  mkdirSync(join(dir, "logs"));
  return {
    dir,
    log: silentLog,
    logFile: (name) => join(dir, "logs", `${name}.log`),
    async environment() {
      const { url } = await testDatabase();
      const key = Buffer.alloc(32, 1).toString("base64");
      return {
        PATH: process.env.PATH,
        TZ: "UTC",
        DATABASE_URL: url,
        REDIS_URL: testRedis().url,
        SESSION_ENCRYPTION_KEYS: `k1:${key}`,
      };
    },
  };
}

/** The quick ones by their number, side by side since they wait a lot. Once each, in a smaller world: all is `npm run faults`. */
const SHORT = [4, 14];
const KILLS = 1;
const SHARE = 0.4;

test("the short form of `npm run faults`: killed before the acknowledgement, and restarted under load", async () => {
  const dist = await builtProgram();
  const said: string[] = [];
  const outcomes = await Promise.all(
    chooseScenarios(SHORT).map((scenario) =>
      runScenario(scenario, {
        ...{ dist, lifecycle, seed: 1, without: [] },
        ground: testGround(),
        kills: KILLS,
        share: SHARE,
        progress: (line) => said.push(line),
      }),
    ),
  );
  for (const { error, checks } of outcomes) {
    expect(error).toBeNull();
    expect(
      checks.filter((check) => !check.pass),
      said.join("\n"),
    ).toEqual([]);
  }
});
