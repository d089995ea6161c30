import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { lockDataDir } from "../../embedded/lock.ts";
import { testDataDir } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";

test("one at a time", async () => {
  const dir = testDataDir();
  const first = await lockDataDir(dir);
  await expect(lockDataDir(dir)).rejects.toThrow(/^another gramfleet runs in .*: stop it first/);
  await first.release();
  await (await lockDataDir(dir)).release();
});

test("the lock dies with its process, however that ends", async () => {
  const dir = testDataDir();
  const holder = spawn(process.execPath, [
    ...["--import", "tsx", "--input-type=module", "--eval"],
    `
      const { lockDataDir } = await import("./embedded/lock.ts");
      await lockDataDir(${JSON.stringify(dir)});
      console.log("held");
      setInterval(() => {}, 1000);
    `,
  ]);
  expect(String(await new Promise((resolve) => holder.stdout.once("data", resolve)))).toBe("held\n");
  await expect(lockDataDir(dir)).rejects.toThrow("another gramfleet runs");
  holder.kill("SIGKILL");
  const lock = await eventually(() => lockDataDir(dir));
  await lock.release();
});
