import { createServer } from "node:http";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { startNotices } from "../../bot/notices.ts";
import { ensureSession, saveSealed, transition } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import type { Person } from "../../emulator/bot-api/person.ts";
import { TELEGRAM_SENDING_RATE } from "../../emulator/bot-api/rate.ts";
import { createLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createVault } from "../../telegram/vault.ts";
import { ask, BOT_TOKEN, type BotHome, type RunningBot, saying, startBotHome } from "../support/bot.ts";
import { eventually } from "../support/eventually.ts";
import { prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { contentOfPostgres, contentOfRedis, tracesOf } from "../support/traces.ts";

prepareCommands();
vi.setConfig({ testTimeout: 180_000, hookTimeout: 90_000 });

let home: BotHome;
const bots: RunningBot[] = [];
beforeAll(async () => {
  home = await startBotHome();
});
afterEach(async () => {
  delete home.botApi.faults.before;
  await Promise.all(bots.splice(0).map((bot) => bot.stop()));
});
afterAll(() => home?.close());

async function start(env: Record<string, string> = {}): Promise<RunningBot> {
  const bot = await home.startBot(env);
  bots.push(bot);
  return bot;
}

/** Somebody with a session in use, who has written to the bot once. */
async function member(language = "en"): Promise<{ person: Person; sessionId: bigint }> {
  const person = home.person({ language });
  const { telegramId } = person;
  const tenantId = "default";
  const { user } = await home.database.inTenant(tenantId, (tx) => addUser(tx, { tenantId, telegramId }));
  const sessionId = await home.database.asWorker(async (tx) => {
    const of = { tenantId, userId: user.id, telegramId, apiId: 910_001, ownApi: false };
    const { id, apiId } = await ensureSession(tx, of);
    const binding = { tenantId, sessionId: id, telegramId, apiId };
    await saveSealed(tx, id, createVault(home.config.keyring).seal("no session at all", binding));
    await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED", reason: "planted" });
    return id;
  });
  person.write("/start");
  return { person, sessionId };
}

const end = (sessionId: bigint, reason = "SESSION_REVOKED") =>
  home.database.asWorker((tx) => transition(tx, sessionId, { from: ["AUTHORIZED"], to: "STALE", reason }));
const untold = async () => {
  const { rows } = await home.database.asOwner((tx) =>
    sql`select from session_events where to_state = 'STALE' and told_at is null`.execute(tx),
  );
  return rows.length;
};
const endingsIn = (person: Person) => person.chat().filter(({ text }) => text.includes("Your session ended"));

it("tells everybody of their session's end once, two bots at it", async () => {
  await Promise.all([start(), start()]);
  const members = await Promise.all(Array.from({ length: 12 }, () => member()));
  for (const { person } of members) await saying(person, 0);
  await Promise.all(members.map(({ sessionId }) => end(sessionId)));
  await eventually(async () => (await untold()) === 0, { what: "all told" });
  for (const { person } of members) {
    expect(endingsIn(person)).toHaveLength(1);
    expect(endingsIn(person)[0]?.text).toMatch(/it was ended in Telegram's settings, \d+ \w+ \d+.*GMT\+3/);
  }
});

it("leaves an ending to the next bot when it is killed in the middle of telling it", async () => {
  const { person, sessionId } = await member("ru");
  const bot = startGramfleet(["bot"], { env: { ...home.env, METRICS_PORT: "0" } });
  await bot.ready();
  // From here on their language is known, and nothing else is about to be said to them.
  await saying(person, 0);
  // Telegram has had the message, and has done nothing with it yet.
  let reached = () => {};
  const telling = new Promise<void>((resolve) => {
    reached = resolve;
  });
  let isBroken = true;
  home.botApi.faults.before = async (method) => {
    if (method !== "sendMessage" || !isBroken) return;
    reached();
    await new Promise<void>((resolve) => setTimeout(resolve, 2_000));
  };
  await end(sessionId, "AUTH_KEY_DUPLICATED");
  await telling;
  bot.signal("SIGKILL");
  await bot.ended;
  isBroken = false;
  await Promise.all([start(), start()]);
  await saying(person, 1, "она использовалась в двух местах сразу");
  await eventually(async () => (await untold()) === 0);
  expect(person.chat().filter(({ text }) => text.includes("Ваша сессия завершилась"))).toHaveLength(1);
});

it("gives up on whoever has blocked it, and goes on with the others", async () => {
  const [blocked, other] = [await member(), await member()];
  blocked.person.setBlocked(true);
  await end(blocked.sessionId);
  await end(other.sessionId);
  await start();
  await saying(other.person, 0, "Your session ended");
  await eventually(async () => (await untold()) === 0);
  expect(endingsIn(blocked.person)).toEqual([]);
});

it("keeps trying where Telegram cannot be reached, and its token out of the log", async () => {
  const { person, sessionId } = await member();
  await end(sessionId);
  const logged: string[] = [];
  const log = createLog({ level: "trace", name: "bot", destination: { write: (line) => void logged.push(line) } });
  const deps = { database: home.database, log, metrics: createMetrics() };
  const nowhere = { token: BOT_TOKEN, apiRoot: `http://127.0.0.1:${await freePort()}` };
  const loop = startNotices(deps, nowhere, 50);
  await eventually(() => logged.filter((line) => line.includes("loop turn failed")).length >= 2);
  await loop.stop();
  expect(logged.join("\n")).toContain("sendMessage");
  expect(logged.join("\n")).not.toContain(BOT_TOKEN.split(":")[1]);
  await start();
  await saying(person, 0, "Your session ended");
  expect(endingsIn(person)).toHaveLength(1);
});

it("says nothing of an ending that its owner has made good since", async () => {
  const { person, sessionId } = await member();
  await end(sessionId);
  await home.database.asWorker((tx) =>
    transition(tx, sessionId, { from: ["STALE"], to: "AUTHORIZED", reason: "found" }),
  );
  const other = await member();
  await end(other.sessionId);
  await start();
  await saying(other.person, 0, "Your session ended");
  expect(endingsIn(person)).toEqual([]);
});

it("answers each update once, when one bot takes over from another", async () => {
  const [first, second] = [await start(), await start()];
  const person = home.person({ language: "en" });
  for (let turn = 0; turn < 3; turn += 1) await ask(person, "/start");
  // Telegram hears of what arrived with the next poll, which never comes.
  await Promise.all([first.stop(), ask(person, "/help")]);
  await second.stop();
  bots.splice(0);
  await start();
  await ask(person, "hello");
  const mine = person.chat().filter(({ from }) => from === "person");
  const answers = person.chat().filter(({ from }) => from === "bot");
  expect([mine.length, answers.length]).toEqual([5, 5]);
});

it("takes updates by webhook from whoever shows the secret, each once", async () => {
  const port = await freePort();
  const secret = "a-secret-that-only-telegram-has";
  const url = `http://127.0.0.1:${port}/updates`;
  const webhook = { BOT_WEBHOOK_URL: url, BOT_WEBHOOK_SECRET: secret, BOT_PORT: String(port) };
  await start(webhook);
  const person = home.person({ language: "en" });
  expect(await ask(person, "/start")).toContain("invite code");

  const message = {
    message_id: 999_999,
    ...{ from: { id: Number(person.telegramId), is_bot: false, first_name: "Ada", language_code: "en" } },
    ...{ chat: { id: Number(person.telegramId), type: "private", first_name: "Ada" }, date: 1, text: "hello" },
  };
  const bring = async (updateId: number, headers: Record<string, string>, path = "/updates") =>
    (
      await fetch(`http://127.0.0.1:${port}${path}`, {
        ...{ method: "POST", headers, body: JSON.stringify({ update_id: updateId, message }) },
      })
    ).status;
  const right = { "x-telegram-bot-api-secret-token": secret };
  const before = person.chat().length;
  expect(await bring(5_000_001, {})).toBe(401);
  expect(await bring(5_000_001, { "x-telegram-bot-api-secret-token": `${secret}x` })).toBe(401);
  expect(await bring(5_000_001, right, "/other")).toBe(404);
  expect(await Promise.all(Array.from({ length: 5 }, () => bring(5_000_002, right)))).toEqual([
    200, 200, 200, 200, 200,
  ]);
  await ask(person, "/help");
  expect(
    person
      .chat()
      .slice(before)
      .filter(({ text }) => text.includes("commands only")),
  ).toHaveLength(1);
  // Fetched again afterwards, what came meanwhile too.
  await Promise.all(bots.splice(0).map((bot) => bot.stop()));
  person.write("/start");
  await start();
  await eventually(() => home.botApi.pending === 0);
});

it("keeps to Telegram's rates, and loses no answer to them", async () => {
  const slow = await startBotHome({
    bot: {
      ...{ token: BOT_TOKEN, username: "gramfleet_bot" },
      rate: { ...TELEGRAM_SENDING_RATE, chat: { burst: 2, secondsEach: 1 } },
    },
  });
  try {
    await slow.startBot();
    const person = slow.person({ language: "en" });
    for (let turn = 0; turn < 5; turn += 1) person.write("/start");
    await eventually(() => person.chat().filter(({ from }) => from === "bot").length === 5, { timeoutMs: 60_000 });
  } finally {
    await slow.close();
  }
});

it("answers what fails with one friendly line, and logs none of what was written", async () => {
  await start();
  const person = home.person({ language: "en" });
  await ask(person, `/login ${await home.invite()}`);
  await home.database.asOwner((tx) => sql`alter table subscriptions rename to hidden`.execute(tx));
  try {
    expect(await ask(person, "/add_channel @canary_of_a_channel")).toContain("Something went wrong");
  } finally {
    await home.database.asOwner((tx) => sql`alter table hidden rename to subscriptions`.execute(tx));
  }
  expect(home.logged.join("\n")).toContain("update not handled");
  expect(home.logged.join("\n")).not.toContain("canary_of_a_channel");
});

it("leaves none of people's secrets anywhere", async () => {
  await start();
  const person = home.person({ language: "en" });
  const secrets = {
    hash: "c0ffee00112233445566778899aabbcc",
    invite: await home.invite(),
    token: BOT_TOKEN,
    loginCode: "87654",
    ticket: "",
  };
  await ask(person, `/login ${secrets.invite}`);
  secrets.ticket = new URL(person.open("Log in").url).searchParams.get("session_id") ?? "";
  const written = person.write(`/auth 4242 ${secrets.hash}`);
  await saying(person, written, "deleted your message");
  await ask(person, secrets.loginCode);
  await ask(person, `/login ${secrets.loginCode}`);
  await ask(person, "/subscription");
  const found = tracesOf(secrets, {
    log: home.logged.join("\n"),
    database: await contentOfPostgres(home.env.DATABASE_URL ?? ""),
    Redis: await contentOfRedis(home.env.REDIS_URL ?? "", home.env.REDIS_PREFIX ?? ""),
  });
  expect(found).toEqual([]);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === "object" && address ? address.port : 0;
}
