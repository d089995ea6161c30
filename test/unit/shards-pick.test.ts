import { expect, test } from "vitest";
import { OperatorError } from "../../runtime/operator-error.ts";
import { apiHashOf, pickMaster } from "../../telegram/shards.ts";

const api = (apiId: number) => ({ apiId, apiHash: `hash-${apiId}` });
const three = { masters: [api(1), api(2), api(3)], backup: api(9) };

test.each([
  { userId: 0n, out: [], apiId: 1 },
  { userId: 1n, out: [], apiId: 2 },
  { userId: 5n, out: [], apiId: 3 },
  { userId: 10n ** 18n, out: [], apiId: 2 },
  { userId: 1n, out: [2], apiId: 9 },
  { userId: 2n, out: [2], apiId: 3 },
  { userId: 1n, out: [2, 9], apiId: 3 },
  { userId: 1n, out: [1, 2, 3], apiId: 9 },
])("user $userId with $out out of service logs in by $apiId", ({ userId, out, apiId }) => {
  expect(pickMaster(userId, three, new Set(out)).apiId).toBe(apiId);
});

test("nothing in service is the operator's matter", () => {
  expect(() => pickMaster(1n, three, new Set([1, 2, 3, 9]))).toThrow(OperatorError);
  expect(() => pickMaster(1n, { masters: [], backup: null })).toThrow(OperatorError);
});

test("hashes of masters and backup are known, of others not", () => {
  expect([1, 9, 5].map((apiId) => apiHashOf(three, apiId))).toEqual(["hash-1", "hash-9", null]);
});
