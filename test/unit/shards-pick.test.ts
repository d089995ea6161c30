import { expect, test } from "vitest";
import { OperatorError } from "../../runtime/operator-error.ts";
import { apiHashOf, pickAgain, pickMaster } from "../../telegram/shards.ts";

const api = (apiId: number) => ({ apiId, apiHash: `hash-${apiId}` });
const three = { masters: [api(1), api(2), api(3)], backup: api(9) };

const closed = (out: readonly number[], leaving: readonly number[] = []) => ({
  out: new Set(out),
  leaving: new Set(leaving),
});

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
  expect(pickMaster(userId, three, closed(out)).apiId).toBe(apiId);
});

test.each([
  { userId: 0n, leaving: [1], out: [], apiId: 2 },
  { userId: 1n, leaving: [1], out: [], apiId: 3 },
  { userId: 0n, leaving: [1], out: [2], apiId: 9 },
  { userId: 0n, leaving: [1, 9], out: [2], apiId: 3 },
  { userId: 7n, leaving: [1, 2, 3], out: [], apiId: 9 },
])("user $userId while $leaving leave and $out are out logs in by $apiId", ({ userId, leaving, out, apiId }) => {
  expect(pickMaster(userId, three, closed(out, leaving)).apiId).toBe(apiId);
});

test("nothing that takes logins is the operator's matter", () => {
  expect(() => pickMaster(1n, three, closed([1, 2, 3, 9]))).toThrow(OperatorError);
  expect(() => pickMaster(1n, three, closed([1, 2], [3, 9]))).toThrow(OperatorError);
  expect(() => pickMaster(1n, { masters: [], backup: null })).toThrow(OperatorError);
});

test("adding a master moves nobody who has a session, though it changes the share of first logins", () => {
  const users = Array.from({ length: 60 }, (_, id) => BigInt(id));
  const four = { ...three, masters: [...three.masters, api(4)] };
  const pinned = users.map((userId) => ({ userId, apiId: pickMaster(userId, three).apiId, ownApi: false }));
  expect(pinned.map((session) => pickAgain(session, four, closed([])).apiId)).toEqual(pinned.map(({ apiId }) => apiId));
  expect(users.map((userId) => pickMaster(userId, four).apiId)).not.toEqual(pinned.map(({ apiId }) => apiId));
});

test("whoever logs in again goes by another API ID only where their own takes no logins", () => {
  const session = { userId: 0n, apiId: 3, ownApi: false };
  expect(pickAgain(session, three, closed([])).apiId).toBe(3);
  expect(pickAgain(session, three, closed([3])).apiId).toBe(1);
  expect(pickAgain(session, three, closed([], [3])).apiId).toBe(1);
  expect(pickAgain({ ...session, apiId: 77 }, three, closed([])).apiId).toBe(1);
});

test("hashes of masters and backup are known, of others not", () => {
  expect([1, 9, 5].map((apiId) => apiHashOf(three, apiId))).toEqual(["hash-1", "hash-9", null]);
});
