import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTicketBox } from "../../login/ticket-box.ts";
import { openTicketMail } from "../../login/ticket-mail.ts";
import { startTickets, type Tickets } from "../../login/tickets.ts";
import { assertRedis, openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-nodes.ts";

const ASKER = "user:7";
const PASSWORD = "Korrektes Pferd";
/** Processes listen at a node by chance: with so many, some ask each other across nodes. */
const PROCESSES = 4;
let cluster: RedisCluster;
let home: LoginFleet;
const processes: Tickets[] = [];

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3, replicas: 0 });
  home = await startLoginFleet({ redisUrl: cluster.url });
  for (let count = 0; count < PROCESSES; count += 1)
    processes.push(
      await startTickets({
        deps: home.deps,
        redis: () => openRedis(cluster.url, "limiter"),
        redisPrefix: home.redis.prefix,
        keyring: home.keyring,
        ...{ lifeMs: 120_000, beatMs: 300, sweepMs: 60_000 },
      }),
    );
});
afterAll(async () => {
  await Promise.all(processes.map((tickets) => tickets.close()));
  await home?.close();
  await cluster?.close();
});

it("a login by QR code is shown, scanned and given its password in any process", async () => {
  for (const [index, here] of processes.entries()) {
    const telegramId = 6_300_000_000n + BigInt(index);
    const known = { firstName: "Ada", username: null, premium: false, password: PASSWORD };
    home.telegram.world.addUser({ id: telegramId, phone: `99966130${index}0`, dcId: 1, ...known });
    const there = processes[(index + 1) % PROCESSES]!;
    const { ticket, view } = await here.start({ asker: ASKER, tenantId: "default", telegramId: null });
    home.telegram.scan(String(view.link), telegramId);
    await eventually(async () => (await there.status(ticket, ASKER))?.state === "PENDING_PASSWORD", {
      what: "a question for the password",
    });
    expect(await there.tryPassword(ticket, ASKER, PASSWORD)).toMatchObject({ state: "AUTHORIZED", telegramId });
  }
  expect(await home.sessions()).toHaveLength(PROCESSES);
});

it("a process that nobody hears any more is not waited for, at whichever node it is asked", async () => {
  const redis = openRedis(cluster.url, "limiter");
  const subscriber = openRedis(cluster.url, "limiter");
  await Promise.all([assertRedis(redis), assertRedis(subscriber)]);
  const mail = await openTicketMail({
    ...{ redis, subscriber, prefix: home.redis.prefix, holder: randomUUID(), box: createTicketBox(home.keyring) },
    // Longer than this test may take.
    answerWithinMs: 3_600_000,
    onRequest: async () => "done",
    onChanged: () => undefined,
    log: silentLog,
  });
  for (let asked = 0; asked < 6; asked += 1)
    expect(await mail.ask(randomUUID(), { kind: "hint", ticket: "any" })).toBeNull();
  mail.close();
  for (const connection of [redis, subscriber]) connection.disconnect();
});
