import { randomBytes } from "node:crypto";
import { afterAll, expect, it } from "vitest";
import type { QrTicket } from "../../login/ticket.ts";
import { NOTHING_SHOWN } from "../../login/ticket.ts";
import { createTicketBox } from "../../login/ticket-box.ts";
import { createTicketStore } from "../../login/ticket-store.ts";
import { openRedis } from "../../queue/redis.ts";
import { testRedis } from "../support/services.ts";

/** Tickets while the keyring is changed, by processes with the keyring before and after each step. */
const { url, prefix } = testRedis();
const redis = openRedis(url, "worker");
afterAll(() => redis.disconnect());

const [OLD, NEW] = ["k1", "k2"].map((id) => ({ id, key: randomBytes(32) })) as [Key, Key];
type Key = { readonly id: string; readonly key: Buffer };
const store = (...keyring: Key[]) => createTicketStore(redis, prefix, createTicketBox(keyring));
const ticket: QrTicket = {
  ...{ kind: "qr", state: "PENDING_QR", tenantId: "default", appId: null, asker: "user:7", expected: 7n },
  ...{ ...NOTHING_SHOWN, reason: null, telegramId: null, link: "tg://login?token=canary" },
  ...{ shown: null, holder: "here", version: 1, endsAt: new Date(Date.now() + 60_000) },
};

it.each([
  ["added behind the old one", [OLD], [OLD, NEW]],
  ["put first", [OLD, NEW], [NEW, OLD]],
] as const)(
  "a key that is %s: processes of before and after read each other's tickets",
  async (what, before, after) => {
    for (const [n, sealing] of [before, after].entries()) {
      await store(...sealing).save(`${what} ${n}`, ticket);
      await store(...sealing).remember(`${what} ${n}`, "the ticket's id", 60_000);
      for (const reading of [before, after]) {
        expect(await store(...reading).load(`${what} ${n}`)).toEqual(ticket);
        expect(await store(...reading).newest(`${what} ${n}`)).toBe("the ticket's id");
      }
    }
  },
);

it("a ticket under a key that is gone is not there, and keeps nobody from a new one", async () => {
  await store(OLD).save("late", ticket);
  await store(OLD).remember("login of 7", "its id", 60_000);
  expect(await store(NEW).load("late")).toBeNull();
  expect(await store(NEW).newest("login of 7")).toBeNull();
  await store(NEW).remember("login of 7", "another", 60_000);
  expect(await store(NEW, OLD).newest("login of 7")).toBe("another");
  // What is under a key of ours and does not open is no such case.
  await expect(store({ id: "k1", key: randomBytes(32) }).load("late")).rejects.toThrow();
});
