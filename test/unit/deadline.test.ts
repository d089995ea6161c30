import { expect, test } from "vitest";
import { DeadlinePassed, withDeadline } from "../../runtime/deadline.ts";

test("gives what the work gives, or throws what it throws", async () => {
  await expect(withDeadline("work", 1_000, Promise.resolve(7))).resolves.toBe(7);
  await expect(withDeadline("work", 1_000, Promise.reject(new Error("own")))).rejects.toThrow("own");
});

test("work that hangs ends by its deadline", async () => {
  const hanging = withDeadline("connect", 1, new Promise(() => {}));
  await expect(hanging).rejects.toThrow(DeadlinePassed);
  await expect(hanging).rejects.toThrow("connect took longer than 1 ms");
});
