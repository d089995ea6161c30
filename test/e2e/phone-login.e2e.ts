import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { OpenPage } from "./support/browser.ts";
import { lookAt } from "./support/shots.ts";
import { expectNeverSent, prepareStories, reads } from "./support/stories.ts";

/** Logging in by phone and code, in the page: by keyboard where that can be. */
const stories = prepareStories();
const { inTelegram, show } = stories;

/** Telegram's test phones: the code is the data center's digit, five times. */
const codeOf = (phone: string): string => (phone[5] ?? "").repeat(5);

async function sendCode({ page }: OpenPage, phone: string): Promise<void> {
  await page.getByRole("tab", { name: "Phone" }).click();
  await page.locator("input[type=tel]").fill(phone);
  await page.getByRole("button", { name: "Send the code" }).click();
}

test("by keyboard: a number, a code, a password", async () => {
  const password = "Korrektes Pferd 🐎";
  const ada = await stories.home.person({ password, dcId: 1 });
  const shown = await show(await stories.api.begin(ada), { browser: "with Telegram's script" });
  const { page } = shown;
  await reads(shown, "Connect Telegram");
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate<string>("document.activeElement.textContent");
  expect(await focused()).toBe("QR code");
  await page.keyboard.press("ArrowRight");
  expect(await focused()).toBe("Phone");
  expect(await page.getByRole("tab", { name: "QR code" }).getAttribute("aria-selected")).toBe("false");
  await lookAt(shown, "phone");

  await page.keyboard.press("Tab");
  await page.keyboard.type("12345");
  await page.keyboard.press("Enter");
  await page.getByText("This is no phone number that Telegram knows.").waitFor();
  await lookAt(shown, "phone-refused");
  const field = page.locator("input[type=tel]");
  await field.fill(`+${ada.phone.slice(0, 5)} ${ada.phone.slice(5)}`);
  await page.keyboard.press("Enter");

  await reads(shown, "Enter the code");
  await eventually(() => page.evaluate<boolean>("document.activeElement.name === 'code'"));
  expect(await page.locator("input[name=code]").getAttribute("autocomplete")).toBe("one-time-code");
  await lookAt(shown, "enter-code");
  await page.keyboard.type("00000");
  await page.keyboard.press("Enter");
  await page.getByText("This is not the code.").waitFor();
  await lookAt(shown, "enter-code-refused");
  await page.locator("input[name=code]").fill(codeOf(ada.phone));
  await page.keyboard.press("Enter");

  await reads(shown, "Two-step verification");
  await eventually(() => page.evaluate<boolean>("document.activeElement.name === 'password'"));
  await page.keyboard.type("wrong horse");
  await page.keyboard.press("Enter");
  await page.getByText("This is not the password.").waitFor();
  await page.locator("input[name=password]").fill(password);
  await page.keyboard.press("Enter");
  await reads(shown, "Telegram is connected");
  expect(stories.home.keysOf(ada)).toBe(1);
  expectNeverSent(shown, password, "wrong horse");
});

test("another number, by Telegram's back button: the code to scan is there again", async () => {
  const ada = await stories.home.person();
  const shown = await show(await stories.api.begin(ada), inTelegram(ada));
  await reads(shown, "Connect Telegram");
  const before = await shown.link();
  // A number that is refused ends the login by QR code too: whoever goes back to it gets a new one.
  await sendCode(shown, "+1 234 567 8901");
  await shown.page.getByText("This is no phone number that Telegram knows.").waitFor();
  await shown.page.getByRole("tab", { name: "QR code" }).click();
  await eventually(async () => (await shown.link()) !== before);
  await sendCode(shown, ada.phone);
  await reads(shown, "Enter the code");
  await eventually(() => shown.page.evaluate<boolean>("Telegram.WebApp.BackButton.isVisible"));
  await shown.page.evaluate("standIn.goBack()");
  await reads(shown, "Connect Telegram");
  expect(await shown.page.evaluate("Telegram.WebApp.BackButton.isVisible")).toBe(false);
  await shown.page.getByRole("tab", { name: "QR code" }).click();
  const link = await shown.link();
  expect(link).not.toBe(before);
  stories.home.telegram.scan(link, ada.telegramId);
  await reads(shown, "Telegram is connected");
});

test("the number of another account than the one asked for", async () => {
  const [ada, eve] = [await stories.home.person(), await stories.home.person()];
  const shown = await show(await stories.api.begin(ada), inTelegram(ada, "ru"));
  await reads(shown, "Подключение Telegram");
  await shown.page.getByRole("tab", { name: "Телефон" }).click();
  await lookAt(shown, "phone-ru");
  await shown.page.locator("input[type=tel]").fill(eve.phone);
  await shown.page.keyboard.press("Enter");
  await reads(shown, "Введите код");
  await shown.page.locator("input[name=code]").fill(codeOf(eve.phone));
  await shown.page.keyboard.press("Enter");
  await reads(shown, "Это был другой аккаунт");
  await eventually(() => stories.home.keysOf(eve) === 0);
});
