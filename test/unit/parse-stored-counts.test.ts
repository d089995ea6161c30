import { expect, it } from "vitest";
import { rememberCounts } from "../../workers/parse/stored-counts.ts";

function counting(most?: number) {
  const asked: string[] = [];
  const count = rememberCounts(async ({ id, revision }, fromId) => {
    asked.push(`${id} ${revision} ${fromId}`);
    return asked.length;
  }, most);
  return { asked, count };
}

it("counts once for each revision of a channel, and for each place in it", async () => {
  const { asked, count } = counting();
  const channel = { id: 1n, revision: 7n };
  expect(await count(channel, 100)).toBe(1);
  expect(await count(channel, 100)).toBe(1);
  expect(await count({ id: 2n, revision: 7n }, 100)).toBe(2);
  expect(await count({ ...channel, revision: 8n }, 100)).toBe(3);
  expect(await count({ ...channel, revision: 8n }, 90)).toBe(4);
  expect(await count({ ...channel, revision: 8n }, 90)).toBe(4);
  expect(asked).toEqual(["1 7 100", "2 7 100", "1 8 100", "1 8 90"]);
});

it("remembers nothing of a count that failed", async () => {
  let failing = true;
  const count = rememberCounts(async () => {
    if (failing) throw new Error("away");
    return 5;
  });
  await expect(count({ id: 1n, revision: 1n }, 1)).rejects.toThrow("away");
  failing = false;
  expect(await count({ id: 1n, revision: 1n }, 1)).toBe(5);
});

it("forgets what it was asked for longest ago", async () => {
  const { asked, count } = counting(2);
  for (const id of [1n, 2n, 3n, 2n, 1n]) await count({ id, revision: 1n }, 1);
  expect(asked).toEqual(["1 1 1", "2 1 1", "3 1 1", "1 1 1"]);
});
