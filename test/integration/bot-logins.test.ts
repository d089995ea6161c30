import { sql } from "kysely";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startApi } from "../../api/main.ts";
import { loadConfig } from "../../config/load.ts";
import { countMessages } from "../../db/messages.ts";
import { loadSealed, sessionOfUser } from "../../db/sessions.ts";
import { findUser } from "../../db/users.ts";
import type { Person } from "../../emulator/bot-api/person.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { startScheduler } from "../../scheduler/main.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";
import { startWorker } from "../../workers/main.ts";
import { ask, type BotHome, saying, startBotHome } from "../support/bot.ts";
import { eventually } from "../support/eventually.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 90_000 });

const PASSWORD = "Korrektes Pferd 🐎";
let home: BotHome;
let address: string;
const rest = new Lifecycle(silentLog);
beforeAll(async () => {
  home = await startBotHome();
  const config = loadConfig({ ...home.env, API_PORT: "0", LOG_LEVEL: "silent" });
  ({ address } = await startApi(config, rest, silentLog));
  await startWorker(config, rest, silentLog);
  await startScheduler(config, rest, silentLog);
  await home.startBot({ AUTH_BASE_URL: address });
});
afterAll(async () => {
  await rest.close();
  await home?.close();
});

interface PageStatus {
  readonly status: string;
  readonly qr_link?: string;
  readonly password?: Record<"srp_id" | "srp_B" | "salt1" | "salt2" | "p", string> & { readonly g: number };
}

/** The page of a login, as its script asks for it. */
function pageOf(person: Person, button: string) {
  const { url, initData } = person.open(button);
  const ticket = new URL(url).searchParams.get("session_id") ?? "";
  const headers = { authorization: `tma ${initData}`, "content-type": "application/json" };
  const status = async () =>
    (await (await fetch(`${address}/qr-auth-status?session_id=${ticket}`, { headers })).json()) as PageStatus;
  return {
    url,
    ticket,
    status,
    /** A page draws nothing before there is a code. */
    until: (wanted: string) =>
      eventually(
        async () => {
          const shown = await status();
          const isThere = shown.status === wanted && (wanted !== "PENDING_QR" || shown.qr_link !== undefined);
          return isThere ? shown : null;
        },
        { timeoutMs: 60_000, everyMs: 100, what: wanted },
      ),
    prove: (body: object) =>
      fetch(`${address}/qr-auth/password`, {
        ...{ method: "POST", headers, body: JSON.stringify({ session_id: ticket, ...body }) },
      }),
  };
}

const userOf = ({ telegramId }: Person) =>
  home.database.inTenant("default", async (tx) => (await findUser(tx, telegramId)) ?? expect.fail("no user"));
const sessionOf = async (person: Person) => {
  const { id } = await userOf(person);
  return home.database.inTenant("default", (tx) => sessionOfUser(tx, id));
};
const newest = (person: Person) => person.chat().at(-1)?.id ?? 0;

it("from an invite to the first posts, and out again", async () => {
  const ada = home.person({ language: "en", dcId: 2 });
  const code = await home.invite({ code: "3HBP4Z3ECICZ", plan: "premium", days: 30 });
  // A link to the bot with the invite in it.
  const said = await ask(ada, `/start ${code}`);
  expect(said).toContain("Open the page");
  expect(said).toContain("By logging in you agree");
  expect(await ask(ada, "/subscription")).toContain("Plan: free");
  const channel = [...home.emulator.world.channels.values()].find(({ username }) => username !== null);
  await ask(ada, `/add_channel @${channel?.username}`);

  const page = pageOf(ada, "Log in");
  expect((await fetch(page.url)).headers.get("content-type")).toMatch(/^text\/html/);
  const shown = await page.until("PENDING_QR");
  ada.scan(shown.qr_link ?? "");
  await page.until("AUTHORIZED");
  await saying(ada, 0, "You are logged in since");
  expect(home.emulator.keys.ofAccount(ada.telegramId)).toHaveLength(1);
  expect(await ask(ada, "/subscription")).toMatch(/Plan: premium, until \d+ \w+ \d+/);
  expect(await ask(ada, "/login")).toContain("logged in already");
  const { rows } = await home.database.asOwner((tx) =>
    sql`select from users where telegram_id = ${ada.telegramId} and consented_at is not null`.execute(tx),
  );
  expect(rows).toHaveLength(1);

  await eventually(
    () => home.database.asWorker(async (tx) => (await countMessages(tx, channel?.id ?? 0n)).messages > 0),
    {
      timeoutMs: 60_000,
      everyMs: 200,
      what: "posts",
    },
  );
  expect(await ask(ada, "/channels")).toContain(`1. ${channel?.title} (@${channel?.username}) — is read`);
  const before = newest(ada);
  ada.write("/parse");
  await saying(ada, before, /^Read at|a moment ago/);

  await ask(ada, "/logout");
  const asked = newest(ada);
  ada.tap("Stay");
  await eventually(() => ada.chat().find(({ id, text }) => id === asked && text.includes("stay logged in")));
  await ask(ada, "/logout");
  ada.tap("Log out");
  await eventually(() => ada.chat().some(({ text }) => text.includes("the session is deleted")), {
    timeoutMs: 60_000,
    what: "the log-out",
  });
  expect(home.emulator.keys.ofAccount(ada.telegramId)).toEqual([]);
  const session = await sessionOf(ada);
  expect(session).toMatchObject({ state: "REVOKED" });
  expect(await home.database.asWorker((tx) => loadSealed(tx, session?.id ?? 0n))).toBeNull();

  // And in again: what was redeemed once is a user for good.
  expect(await ask(ada, "/login")).toContain("Open the page");
  const again = pageOf(ada, "Log in");
  ada.scan((await again.until("PENDING_QR")).qr_link ?? "");
  await again.until("AUTHORIZED");
});

it("asks for a two-step password on the page alone", async () => {
  const bob = home.person({ language: "ru", password: PASSWORD });
  await ask(bob, `/login ${await home.invite()}`);
  const page = pageOf(bob, "Войти");
  bob.scan((await page.until("PENDING_QR")).qr_link ?? "");
  const { password } = await page.until("PENDING_PASSWORD");
  if (!password) throw new Error("no parameters");
  const hex = (text: string) => Buffer.from(text, "hex");
  const proof = await provePassword(
    {
      ...{ srpId: BigInt(password.srp_id), srpB: hex(password.srp_B), g: password.g, p: hex(password.p) },
      ...{ salt1: hex(password.salt1), salt2: hex(password.salt2), hint: null },
    },
    PASSWORD,
  );
  await page.prove({
    ...{ srp_id: String(proof.srpId), A: proof.A.toString("hex"), M1: proof.M1.toString("hex") },
  });
  await page.until("AUTHORIZED");
  await saying(bob, 0, "Вы вошли");
  expect(home.logged.join("\n")).not.toContain(PASSWORD);
});

it("logs in by an API ID of one's own, and out again through its queue", async () => {
  const ada = home.person({ language: "en" });
  await ask(ada, `/login ${await home.invite()}`);
  const { apiId, apiHash } = home.emulator.apiIds.at(-1) ?? expect.fail("no API ID");
  const before = newest(ada);
  ada.write(`/auth ${apiId} ${apiHash}`);
  await saying(ada, before, `uses the API ID ${apiId}`);
  // Its last word to that: what comes next is the answer to what is written next.
  await saying(ada, before, "I have deleted your message");
  await ask(ada, "/login");
  const page = pageOf(ada, "Log in");
  ada.scan((await page.until("PENDING_QR")).qr_link ?? "");
  await page.until("AUTHORIZED");
  expect(await sessionOf(ada)).toMatchObject({ state: "AUTHORIZED", apiId, ownApi: true });
  await saying(ada, before, "You are logged in");
  await ask(ada, "/logout");
  ada.tap("Log out");
  await eventually(async () => (await sessionOf(ada))?.state === "REVOKED", { timeoutMs: 60_000 });
  expect(home.emulator.keys.ofAccount(ada.telegramId)).toEqual([]);
});

it("ends a login under way when its API ID is changed, so that none goes by another than was said", async () => {
  const ada = home.person({ language: "en" });
  const { apiId, apiHash } = home.emulator.apiIds.at(-1) ?? expect.fail("no API ID");
  await ask(ada, `/login ${await home.invite()}`);
  const byOurs = pageOf(ada, "Log in");
  const shown = await byOurs.until("PENDING_QR");
  const before = newest(ada);
  ada.write(`/auth ${apiId} ${apiHash}`);
  await saying(ada, before, `uses the API ID ${apiId}`);
  expect((await byOurs.status()).status).toBe("cancelled");
  expect(() => ada.scan(shown.qr_link ?? "")).toThrow(/AUTH_TOKEN_/);
  await saying(ada, before, "I have deleted your message");

  await ask(ada, "/login");
  const byOwn = pageOf(ada, "Log in");
  await byOwn.until("PENDING_QR");
  expect(await ask(ada, "/auth off")).toContain("our API ID");
  expect((await byOwn.status()).status).toBe("cancelled");
  expect(await sessionOf(ada)).toMatchObject({ state: "ABSENT" });
});

it("tells both sides when another account has scanned, and keeps nothing of it", async () => {
  const [ada, mallory] = [home.person({ language: "en" }), home.person({ language: "en" })];
  await ask(ada, `/login ${await home.invite()}`);
  const page = pageOf(ada, "Log in");
  mallory.scan((await page.until("PENDING_QR")).qr_link ?? "");
  await page.until("wrong_account");
  await saying(ada, 0, "Another Telegram account");
  expect(home.emulator.keys.ofAccount(mallory.telegramId)).toEqual([]);
  expect(await sessionOf(ada)).toMatchObject({ state: "ABSENT" });
});

it("ends the link before, when somebody asks for a new one", async () => {
  const ada = home.person({ language: "en" });
  await ask(ada, `/login ${await home.invite()}`);
  const first = pageOf(ada, "Log in");
  await first.until("PENDING_QR");
  await ask(ada, "/login");
  const second = pageOf(ada, "Log in");
  expect(second.ticket).not.toBe(first.ticket);
  await first.until("cancelled");
  await second.until("PENDING_QR");
  // One that another process holds, which the page has asked for.
  const { initData } = ada.open("Log in");
  const headers = { authorization: `tma ${initData}`, "content-type": "application/json" };
  const started = await fetch(`${address}/api/qr/start`, { method: "POST", headers, body: "{}" });
  const { ticket } = (await started.json()) as { ticket: string };
  await second.until("cancelled");
  const third = async () =>
    ((await (await fetch(`${address}/qr-auth-status?session_id=${ticket}`)).json()) as PageStatus).status;
  expect(await third()).toBe("PENDING_QR");
  expect(await ask(ada, "/logout")).toContain("not finished");
  expect(await third()).toBe("cancelled");
});

it("gives one use of a single-use invite, however many ask at once", async () => {
  const code = await home.invite();
  const people = Array.from({ length: 8 }, () => home.person({ language: "en" }));
  const said = await Promise.all(people.map((person) => ask(person, `/login ${code}`)));
  expect(said.filter((text) => text.includes("Open the page"))).toHaveLength(1);
  expect(said.filter((text) => text.includes("has been used"))).toHaveLength(7);
  const ids = people.map(({ telegramId }) => telegramId);
  const { rows } = await home.database.asOwner((tx) =>
    sql`select from users where telegram_id = any(${ids}::int8[])`.execute(tx),
  );
  expect(rows).toHaveLength(1);
});

it("keeps whoever guesses from guessing on", async () => {
  const eve = home.person({ language: "en" });
  const said: string[] = [];
  for (let guess = 0; guess < 12; guess += 1) said.push(await ask(eve, `/login GUESS${guess}`));
  expect(said.slice(0, 10).every((text) => text.includes("do not know this invite"))).toBe(true);
  expect(said.slice(10).every((text) => text.includes("Too many tries"))).toBe(true);
});
