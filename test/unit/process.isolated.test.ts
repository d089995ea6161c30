import { expect, test } from "vitest";
import { silentLog } from "../../runtime/log.ts";
import { runProcess } from "../../runtime/process.ts";

test("a signal that comes while a process starts ends it in order, and is no failure", async () => {
  const released: string[] = [];
  const run = runProcess(silentLog, async (lifecycle) => {
    lifecycle.own("early", null, () => void released.push("early"));
    process.emit("SIGTERM");
    lifecycle.own("late", null, () => void released.push("late"));
    throw new Error("everything is closed");
  });
  await run;
  expect(released.sort()).toEqual(["early", "late"]);
});

test("a process that cannot start releases what it had opened, and says why", async () => {
  const released: string[] = [];
  const run = runProcess(silentLog, async (lifecycle) => {
    lifecycle.own("early", null, () => void released.push("early"));
    throw new Error("no database");
  });
  await expect(run).rejects.toThrow("no database");
  expect(released).toEqual(["early"]);
});
