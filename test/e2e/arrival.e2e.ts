import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { countUserPosts } from "../../db/overview.ts";
import { findUser } from "../../db/users.ts";
import type { Person } from "../../emulator/bot-api/person.ts";
import { ask, type BotHome, saying, startBotHome } from "../support/bot.ts";
import { eventually } from "../support/eventually.ts";
import { prepareCommands, type Running, startGramfleet } from "../support/gramfleet.ts";
import { type OpenPage, openPage, startBrowser } from "./support/browser.ts";
import { expectNeverSent, reads } from "./support/stories.ts";

/** How somebody arrives: an invite, the bot, its Mini App, a login, the first posts. Every process of ours is one. */
prepareCommands();
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const PASSWORD = "Korrektes Pferd 🐎";

let home: BotHome;
let browser: Browser;
let address = "";
const processes: Running[] = [];
const open: OpenPage[] = [];

beforeAll(async () => {
  [home, browser] = await Promise.all([startBotHome(), startBrowser()]);
  const start = async (name: string, more: NodeJS.ProcessEnv = {}) => {
    const running = startGramfleet([name], { env: { ...home.env, METRICS_PORT: "0", LOG_LEVEL: "info", ...more } });
    processes.push(running);
    await running.ready();
    return running;
  };
  const api = await start("api", { API_PORT: "0" });
  address = /"address":"([^"]+)"/.exec(api.stderr())?.[1] ?? expect.fail("the api does not say where it listens");
  await start("bot", { AUTH_BASE_URL: address });
  await start("worker");
  await start("scheduler");
});
afterAll(async () => {
  await browser?.close();
  for (const running of processes) running.signal("SIGTERM");
  await Promise.all(processes.map(({ ended }) => ended));
  await home?.close();
});
afterEach(async () => {
  for (const { complaints, close } of open.splice(0)) {
    await close();
    expect(complaints).toEqual([]);
  }
});

/** Comes by an invite, says what to read, and taps the bot's button. */
async function arrive(person: Person, button: string): Promise<OpenPage> {
  person.write(`/start ${await home.invite()}`);
  await eventually(() =>
    person.chat().some(({ keyboard }) => keyboard?.flat().some(({ text }) => text.includes(button))),
  );
  await ask(person, `/add_channel @${channel().username}`);
  const { url, initData } = person.open(button);
  expect(url.startsWith(`${address}/qr-auth?session_id=`)).toBe(true);
  const opened = await openPage(browser, url, { initData });
  open.push(opened);
  return opened;
}

const channel = () =>
  [...home.emulator.world.channels.values()].find(({ username }) => username !== null) ?? expect.fail("no channel");

/** The bot says so, one key is logged in, and there is something to read. */
async function expectArrived(person: Person, words: string): Promise<void> {
  await saying(person, 0, words);
  expect(home.emulator.keys.ofAccount(person.telegramId)).toHaveLength(1);
  const count = () =>
    home.database.inTenant("default", async (tx) => {
      const user = await findUser(tx, person.telegramId);
      return user ? countUserPosts(tx, user.id) : 0;
    });
  await eventually(async () => (await count()) > 0, { timeoutMs: 90_000, everyMs: 200, what: "posts" });
}

test("by the code on the page", async () => {
  const ada = home.person({ language: "en", dcId: 2 });
  const shown = await arrive(ada, "Log in");
  await reads(shown, "Connect Telegram");
  ada.scan(await shown.link());
  await reads(shown, "Telegram is connected");
  await eventually(async () => (await shown.telegramCalls()).includes("close"));
  await expectArrived(ada, "You are logged in since");
});

test("by the code, from another data center, with a password that does not leave the page", async () => {
  const bob = home.person({ language: "ru", dcId: 1, password: PASSWORD });
  const shown = await arrive(bob, "Войти");
  await reads(shown, "Подключение Telegram");
  bob.scan(await shown.link());
  await reads(shown, "Двухэтапная аутентификация");
  await shown.page.getByLabel("Пароль Telegram").fill(PASSWORD);
  await shown.page.getByRole("button", { name: "Продолжить" }).click();
  await reads(shown, "Telegram подключён");
  await expectArrived(bob, "Вы вошли");
  expectNeverSent(shown, PASSWORD);
  expect(processes.map((running) => running.stdout() + running.stderr()).join("")).not.toContain(PASSWORD);
});

test("by phone and code, with a password", async () => {
  const eve = home.person({ language: "en", dcId: 3, password: PASSWORD });
  const phone = home.emulator.world.users.get(eve.telegramId)?.phone ?? "";
  const shown = await arrive(eve, "Log in");
  await reads(shown, "Connect Telegram");
  await shown.page.getByRole("tab", { name: "Phone" }).click();
  await shown.page.getByLabel("Phone number").fill(`+${phone}`);
  await shown.page.getByRole("button", { name: "Send the code" }).click();
  await reads(shown, "Enter the code");
  await shown.page.getByLabel("Login code").fill(eve.codes().at(-1) ?? "");
  await shown.page.getByRole("button", { name: "Log in" }).click();
  await reads(shown, "Two-step verification");
  await shown.page.getByLabel("Telegram password").fill(PASSWORD);
  await shown.page.getByRole("button", { name: "Continue" }).click();
  await reads(shown, "Telegram is connected");
  await expectArrived(eve, "You are logged in since");
  expectNeverSent(shown, PASSWORD);
});
