import { onTestFinished, test } from "vitest";
import { silentLog } from "../../runtime/log.ts";
import { suspendWithoutDatabase } from "../../workers/suspension.ts";
import { eventually } from "../support/eventually.ts";

test.each([
  ["does not answer", () => new Promise<void>(() => {})],
  ["refuses", () => Promise.reject(new Error("connection refused"))],
])("a worker takes no jobs while PostgreSQL %s, and takes them again afterwards", async (_, away) => {
  let check = async () => {};
  const said: string[] = [];
  const loop = suspendWithoutDatabase({
    check: () => check(),
    consumer: { suspend: () => said.push("suspended"), resume: () => said.push("serving") },
    everyMs: 1,
    answerWithinMs: 20,
    log: silentLog,
  });
  onTestFinished(() => loop.stop());
  await eventually(() => said.at(-1) === "serving");
  check = away;
  await eventually(() => said.at(-1) === "suspended");
  check = async () => {};
  await eventually(() => said.at(-1) === "serving");
});
