import { expect, test } from "vitest";
import { RpcError } from "../../emulator/dc/service.ts";
import { eventually } from "../support/eventually.ts";
import { lookAt } from "./support/shots.ts";
import { expectNeverSent, prepareStories, reads } from "./support/stories.ts";

/** Logging in by QR code, in the page: in Telegram and in a browser. */
const stories = prepareStories();
const { inTelegram, show } = stories;
const BROWSER = { browser: "without" } as const;

test("a code is scanned, and Telegram is connected", async () => {
  const ada = await stories.home.person();
  const shown = await show(await stories.api.begin(ada), inTelegram(ada));
  await reads(shown, "Connect Telegram");
  await shown.page.getByRole("img", { name: "QR code to scan with Telegram" }).waitFor();
  await eventually(async () => (await shown.telegramCalls()).join() === "ready,expand");
  await lookAt(shown, "code");
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Telegram is connected");
  await lookAt(shown, "connected");
  expect(stories.home.keysOf(ada)).toBe(1);
  // It closes by itself, back to the chat.
  await eventually(async () => (await shown.telegramCalls()).includes("close"));
  // The ticket is told to nobody but us, and to us in no Referer.
  const ticket = new URL(shown.page.url()).searchParams.get("session_id") ?? "";
  const told = shown.sent.filter((request) => request.includes(ticket)).map((request) => request.split("\n"));
  expect(told.length).toBeGreaterThan(1);
  for (const [line = "", headers] of told) {
    expect(line.startsWith(`GET ${stories.api.address}/`)).toBe(true);
    expect(headers).not.toContain(ticket);
  }
});

test("in a browser, where telegram.org cannot be reached", async () => {
  const ada = await stories.home.person({ dcId: 1 });
  const shown = await show(await stories.api.begin(ada), { browser: "without", language: "ru-RU" });
  await reads(shown, "Подключение Telegram");
  expect(await shown.page.evaluate("document.documentElement.lang")).toBe("ru");
  await lookAt(shown, "code-ru");
  // The account lives in another data center than the one that the login began in.
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Telegram подключён");
  expect(stories.home.keysOf(ada)).toBe(1);
  expect(stories.api.log()).not.toContain(new URL(shown.page.url()).searchParams.get("session_id"));
});

test("a password is proven in the page, and does not leave it", async () => {
  const password = "Korrektes Pferd 🐎";
  const ada = await stories.home.person({ password, dcId: 1 });
  const shown = await show(await stories.api.begin(ada), inTelegram(ada));
  await reads(shown, "Connect Telegram");
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Two-step verification");
  const field = shown.page.getByLabel("Telegram password");
  await eventually(() => shown.page.evaluate<boolean>("document.activeElement.name === 'password'"));
  await lookAt(shown, "password");
  await field.press("Enter");
  await shown.page.getByText("Enter the password of your Telegram account.").waitFor();
  await field.fill("wrong horse");
  await field.press("Enter");
  await shown.page.getByText("This is not the password. Try again.").waitFor();
  expect(await field.getAttribute("aria-invalid")).toBe("true");
  await lookAt(shown, "password-refused");
  await field.fill(password);
  await shown.page.getByRole("button", { name: "Continue" }).click();
  await reads(shown, "Telegram is connected");
  expect(stories.home.keysOf(ada)).toBe(1);

  expect(shown.sent.filter((request) => /^POST \S+\/qr-auth\/password\n/.test(request))).toHaveLength(2);
  expectNeverSent(shown, password, "wrong horse");
  // It would be found: the ticket is.
  const ticket = new URL(shown.page.url()).searchParams.get("session_id") ?? "";
  expect(() => expectNeverSent(shown, ticket)).toThrow(ticket.toLowerCase());
});

test("a code that ends is renewed on the screen", async () => {
  // Renewed 5 s before its end: a new one every 3 s.
  stories.home.telegram.tokenRules.seconds = 8;
  const ada = await stories.home.person();
  const shown = await show(await stories.api.begin(ada), BROWSER);
  await reads(shown, "Connect Telegram");
  const first = await shown.link();
  await shown.page.evaluate("window.drawn = document.querySelector('.code')");
  await eventually(async () => (await shown.link()) !== first, { timeoutMs: 30_000 });
  // In its place, in one step: nothing came and went.
  expect(
    await shown.page.evaluate("window.drawn.isConnected && window.drawn === document.querySelector('.code')"),
  ).toBe(true);
  stories.home.telegram.tokenRules.seconds = 30;
  const second = await shown.link();
  await eventually(async () => (await shown.link()) !== second, { timeoutMs: 30_000 });
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Telegram is connected");
});

test("another account than the one asked for is told so, and can try again", async () => {
  const [ada, eve] = [await stories.home.person(), await stories.home.person()];
  const shown = await show(await stories.api.begin(ada), inTelegram(ada));
  await reads(shown, "Connect Telegram");
  stories.home.telegram.scan(await shown.link(), eve.telegramId);
  await reads(shown, "That was another account");
  await lookAt(shown, "wrong-account");
  expect(stories.home.keysOf(eve)).toBe(0);
  await shown.page.getByRole("button", { name: "Try again with your account" }).click();
  await reads(shown, "Connect Telegram");
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Telegram is connected");
});

test("a ticket that has expired gives way to a new one", async () => {
  const short = await stories.home.startApi({ QR_TICKET_TTL: "5" });
  try {
    const ada = await stories.home.person();
    const shown = await show(await short.begin(ada), BROWSER, short);
    await reads(shown, "This code has expired");
    await lookAt(shown, "expired");
    await shown.page.getByRole("button", { name: "Show a new code" }).click();
    await reads(shown, "Connect Telegram");
    stories.home.telegram.scan(await shown.link(), ada.telegramId);
    await reads(shown, "Telegram is connected");
    await lookAt(shown, "connected-in-browser");
  } finally {
    await short.stop();
  }
});

test("a login that gave way to a newer one says so, and can be begun again", async () => {
  const ada = await stories.home.person();
  const shown = await show(await stories.api.begin(ada), inTelegram(ada));
  await reads(shown, "Connect Telegram");
  await stories.api.begin(ada);
  await reads(shown, "This login was cancelled");
  await lookAt(shown, "cancelled");
  await shown.page.getByRole("button", { name: "Start again" }).click();
  await reads(shown, "Connect Telegram");
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Telegram is connected");
});

test("a link that nobody knows says what to do; in Telegram a new code can be had", async () => {
  const ada = await stories.home.person();
  for (const ticket of [null, "nobodys"]) {
    const shown = await show(ticket, BROWSER);
    await reads(shown, "This link no longer works");
    expect(await shown.page.getByRole("button").count()).toBe(0);
  }
  const shown = await show("nobodys", inTelegram(ada));
  await reads(shown, "This link no longer works");
  await lookAt(shown, "not-found");
  await shown.page.getByRole("button", { name: "Show a new code" }).click();
  await reads(shown, "Connect Telegram");
  stories.home.telegram.scan(await shown.link(), ada.telegramId);
  await reads(shown, "Telegram is connected");
});

test("somebody else's link shows nothing of the login", async () => {
  const [ada, eve] = [await stories.home.person(), await stories.home.person()];
  const shown = await show(await stories.api.begin(ada), inTelegram(eve));
  await reads(shown, "This link is for somebody else");
  expect(await shown.page.getByRole("img", { name: "QR code" }).count()).toBe(0);
  await lookAt(shown, "wrong-user");
});

test("a login that Telegram refuses says so", async () => {
  const ada = await stories.home.person();
  const shown = await show(await stories.api.begin(ada), inTelegram(ada, "ru"));
  await reads(shown, "Подключение Telegram");
  const { handlers } = stories.home.telegram;
  const real = handlers.get("auth.ExportLoginToken");
  handlers.set("auth.ExportLoginToken", () => {
    throw new RpcError(400, "AUTH_TOKEN_EXCEPTION");
  });
  try {
    stories.home.telegram.scan(await shown.link(), ada.telegramId);
    await reads(shown, "Telegram не пустил нас");
    await shown.page.getByText("AUTH_TOKEN_EXCEPTION").waitFor();
    await lookAt(shown, "failed-ru");
  } finally {
    if (real) handlers.set("auth.ExportLoginToken", real);
  }
});

test("without a connection the page waits for one, and goes on by itself", async () => {
  const ada = await stories.home.person();
  const shown = await show(await stories.api.begin(ada), BROWSER);
  await reads(shown, "Connect Telegram");
  const link = await shown.link();
  await shown.context.setOffline(true);
  await shown.page.getByText("No connection. Trying again…").waitFor();
  await lookAt(shown, "offline");
  stories.home.telegram.scan(link, ada.telegramId);
  await shown.context.setOffline(false);
  await reads(shown, "Telegram is connected");
  expect(await shown.page.getByText("No connection").count()).toBe(0);
});

test("where there are no logins by QR code, it says so", async () => {
  const without = await stories.home.startApi({ MASTER_API_IDS: "", MASTER_API_HASHES: "" });
  try {
    const shown = await show("nobodys", BROWSER, without);
    await reads(shown, "Logging in is switched off");
    await lookAt(shown, "switched-off");
  } finally {
    await without.stop();
  }
});
