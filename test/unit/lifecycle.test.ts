import { expect, test } from "vitest";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";

test("releases the newest first, each once, and goes on when one fails", async () => {
  const released: string[] = [];
  const lifecycle = new Lifecycle(silentLog);
  lifecycle.own("database", "database", (name) => void released.push(name));
  lifecycle.own("redis", "redis", () => Promise.reject(new Error("gone")));
  lifecycle.own("worker", "worker", async (name) => void released.push(name));
  await Promise.all([lifecycle.close(), lifecycle.close()]);
  await lifecycle.close();
  expect(released).toEqual(["worker", "database"]);
});

test("waits for one release before the next, and tells loops first", async () => {
  const lifecycle = new Lifecycle(silentLog);
  const events: string[] = [];
  lifecycle.signal.addEventListener("abort", () => events.push("stop"));
  lifecycle.own("first", null, () => void events.push("first released"));
  lifecycle.own("second", null, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    events.push("second released");
  });
  await lifecycle.close();
  expect(events).toEqual(["stop", "second released", "first released"]);
});

test("releases at once what comes after the close, and a later close waits for it", async () => {
  const lifecycle = new Lifecycle(silentLog);
  const released: string[] = [];
  lifecycle.own("first", null, () => void released.push("first"));
  const closing = lifecycle.close();
  lifecycle.own("late", null, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    released.push("late");
  });
  await closing;
  await lifecycle.close();
  expect(released).toEqual(["first", "late"]);
});

test("gives back what it owns", () => {
  const resource = { name: "r" };
  expect(new Lifecycle(silentLog).own("r", resource, () => {})).toBe(resource);
});
