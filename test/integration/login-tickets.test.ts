import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { addUser } from "../../db/users.ts";
import type { Tickets, TicketView } from "../../login/tickets.ts";
import { openRedis } from "../../queue/redis.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";
import { endAbandonedLogins } from "../../telegram/login/abandoned.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const TENANT = "default";
const PASSWORD = "Korrektes Pferd 🐎";
const ASKER = "user:7";
/** How many log in at once; LOGINS_AT_ONCE=40 is the whole of it. */
const AT_ONCE = Number(process.env.LOGINS_AT_ONCE ?? 12);

let home: LoginFleet;
beforeAll(async () => {
  home = await startLoginFleet({ shortLeases: true });
});
afterAll(() => home?.close());

const opened: Tickets[] = [];
afterEach(async () => {
  home.telegram.tokenRules.pushes = true;
  await Promise.all(opened.splice(0).map((tickets) => tickets.close()));
});

/** One process's tickets. */
async function open(given: { lifeMs?: number } = {}): Promise<Tickets> {
  const tickets = await home.openTickets({ ...given, beatMs: 300 });
  opened.push(tickets);
  return tickets;
}

const person = (given: { dcId?: number; password?: string } = {}) => home.person({ dcId: 1, ...given }).telegramId;

const start = (tickets: Tickets, telegramId: bigint | null = null) =>
  tickets.start({ asker: ASKER, tenantId: TENANT, telegramId });
const linkOf = (view: TicketView | null): string => {
  if (!view?.link) throw new Error(`no link: ${view?.state} ${view?.reason}`);
  return view.link;
};
const until = (tickets: Tickets, ticket: string, state: TicketView["state"]) =>
  eventually(
    async () => {
      const view = await tickets.status(ticket, ASKER);
      return view?.state === state ? view : null;
    },
    { timeoutMs: 60_000, everyMs: 50, what: state },
  );

async function inRedis(): Promise<string> {
  const redis = openRedis(home.redis.url, "worker");
  try {
    const keys = await redis.keys(`*${home.redis.prefix}}:ticket*`);
    expect(keys.length).toBeGreaterThan(0);
    return (await Promise.all(keys.map(async (key) => `${key} ${await redis.get(key)}`))).join("\n");
  } finally {
    redis.disconnect();
  }
}

it("is answered for by any process, and told of to nobody but whoever asked", async () => {
  const [here, there] = [await open(), await open()];
  const ada = person();
  const { ticket, view } = await start(here);
  const seen = await there.status(ticket, ASKER);
  expect(seen).toMatchObject({ state: "PENDING_QR", link: linkOf(view), telegramId: null, password: null });
  expect(await there.status(ticket, "user:8")).toBeNull();
  expect(await here.status(ticket, "user:8")).toBeNull();
  expect(await there.cancel(ticket, "user:8")).toBeNull();
  expect(await there.status("unknown", ASKER)).toBeNull();
  expect(ticket).toMatch(/^[\w-]{32}$/);
  const stored = await inRedis();
  expect(stored).not.toContain(ticket);
  expect(stored).not.toContain(linkOf(view).split("=")[1]);

  const told = there.changed(ticket, ASKER, view.version, 60_000);
  home.telegram.scan(linkOf(view), ada);
  expect(await told).toMatchObject({ state: "AUTHORIZED", telegramId: ada, link: null });
  expect(here.size).toBe(0);
  expect(home.telegram.keys.ofAccount(ada)).toHaveLength(1);
  const { values } = await home.deps.metrics.qrLoginSeconds.get();
  expect(values).toContainEqual(expect.objectContaining({ labels: { end: "AUTHORIZED" }, value: expect.any(Number) }));
});

it("takes a password or its proof in any process", async () => {
  const [here, there] = [await open(), await open()];
  const bob = person({ dcId: 2, password: PASSWORD });
  const { ticket, view } = await start(here);
  expect(await there.tryPassword(ticket, ASKER, PASSWORD)).toMatchObject({ state: "PENDING_QR" });
  home.telegram.scan(linkOf(view), bob);
  const asked = await until(there, ticket, "PENDING_PASSWORD");
  expect(asked).toMatchObject({ reason: null, link: null });
  const wrong = await there.tryPassword(ticket, ASKER, "wrong");
  expect(wrong).toMatchObject({ state: "PENDING_PASSWORD", reason: "PASSWORD_HASH_INVALID" });
  // A proof is good for the parameters that it was made from.
  const stale = await there.prove(ticket, ASKER, await provePassword(asked.password!, PASSWORD));
  expect(stale).toMatchObject({ state: "PENDING_PASSWORD", reason: "SRP_ID_INVALID" });
  const proof = await provePassword(stale!.password!, PASSWORD);
  expect(await inRedis()).not.toContain(PASSWORD);
  expect(await there.prove(ticket, ASKER, proof)).toMatchObject({ state: "AUTHORIZED", telegramId: bob });
});

it("says when another account has scanned, and keeps nothing of it", async () => {
  const here = await open();
  const [ada, mallory] = [person(), person()];
  await home.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId: ada }));
  const { ticket, view } = await start(here, ada);
  home.telegram.scan(linkOf(view), mallory);
  await until(here, ticket, "wrong_account");
  expect(home.telegram.keys.ofAccount(mallory)).toEqual([]);
});

it("expires, and leaves neither connection nor key", async () => {
  const [here, there] = [await open({ lifeMs: 2_000 }), await open()];
  const ada = person();
  const { ticket, view } = await start(here);
  const last = await until(there, ticket, "expired");
  expect(last).toMatchObject({ link: null, reason: null });
  expect(() => home.telegram.scan(linkOf(view), ada)).toThrow("AUTH_TOKEN_INVALIDX");
  await eventually(() => home.telegram.witness.connectionsOpen() === 0);
});

it("is cancelled from anywhere by whoever asked", async () => {
  const [here, there] = [await open(), await open()];
  const { ticket } = await start(here);
  expect(await there.cancel(ticket, ASKER)).toMatchObject({ state: "cancelled" });
  expect(here.size).toBe(0);
  expect(home.telegram.witness.connectionsOpen()).toBe(0);
});

it("is told again where Redis has lost it", async () => {
  const [here, there] = [await open(), await open()];
  const { ticket } = await start(here);
  const redis = openRedis(home.redis.url, "worker");
  await eventually(async () => {
    const keys = await redis.keys(`*${home.redis.prefix}}:ticket*`);
    return keys.length > 0 && redis.del(keys);
  });
  redis.disconnect();
  expect((await until(there, ticket, "PENDING_QR")).link).toMatch(/^tg:/);
});

it("has expired when its process dies, and what was accepted meanwhile is logged out", async () => {
  const there = await open();
  const ada = person();
  const { child, ticket, link } = await holder();
  expect(await there.status(ticket, "elsewhere")).toMatchObject({ state: "PENDING_QR" });
  child.kill("SIGKILL");
  await eventually(async () => (await there.status(ticket, "elsewhere"))?.state === "expired", {
    timeoutMs: 60_000,
    everyMs: 200,
  });
  home.telegram.tokenRules.pushes = false;
  home.telegram.scan(link, ada);
  expect(home.telegram.keys.ofAccount(ada)).toHaveLength(1);
  await eventually(() => endAbandonedLogins(home.deps).then((ended) => ended === 1), {
    timeoutMs: 60_000,
    everyMs: 500,
  });
  expect(home.telegram.keys.ofAccount(ada)).toEqual([]);
  expect((await home.sessions()).filter(({ state }) => state.startsWith("PENDING"))).toEqual([]);
});

it("logs many people in at once", async () => {
  const [here, there] = [await open(), await open()];
  const people = Array.from({ length: AT_ONCE }, (_, index) => person({ dcId: 1 + (index % 2) }));
  await Promise.all(
    people.map(async (who, index) => {
      const { ticket, view } = await start(index % 3 ? here : there);
      home.telegram.scan(linkOf(view), who);
      const reader = index % 2 ? here : there;
      expect(await until(reader, ticket, "AUTHORIZED")).toMatchObject({ telegramId: who });
    }),
  );
  // A ticket's end is told first, and then it is let go.
  await eventually(() => here.size + there.size === 0);
  await eventually(() => home.telegram.witness.connectionsOpen() === 0);
});

/** Another process, with one ticket. */
async function holder() {
  const script = fileURLToPath(new URL("../support/ticket-holder.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(home.forHolder())], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the holder ended with ${code}`)));
  });
  return { child, ...(JSON.parse(line) as { ticket: string; link: string }) };
}
