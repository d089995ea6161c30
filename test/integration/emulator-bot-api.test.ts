import { Api, GrammyError } from "grammy";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { verifyInitData } from "../../api/proof/init-data.ts";
import type { BotApi } from "../../emulator/bot-api/start.ts";
import type { Emulator } from "../../emulator/start.ts";
import { createLog, silentLog } from "../../runtime/log.ts";
import { openLoginWire } from "../../telegram/gramjs/login-wire.ts";
import { openGate } from "../../telegram/policy.ts";
import { BOT_TOKEN } from "../support/bot.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { plainPolicy } from "../support/wire-telegram.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const TIMES = {
  ...{ connectDeadlineMs: 10_000, callDeadlineMs: 10_000, pingEveryMs: 5_000 },
  ...{ pingDisconnectMs: 12_000, closeWaitMs: 1_000 },
};
let emulator: Emulator;
let botApi: BotApi;
let api: Api;
const logged: string[] = [];
beforeAll(async () => {
  const log = createLog({ level: "error", name: "emulator", destination: { write: (line) => void logged.push(line) } });
  emulator = await startTestEmulator({ bot: { token: BOT_TOKEN, username: "some_bot" }, log });
  botApi = emulator.botApi ?? expect.fail("no Bot API");
  api = new Api(BOT_TOKEN, { apiRoot: botApi.root });
});
afterAll(() => emulator?.close());

let number = 0;
function person(language?: string) {
  number += 1;
  const id = 6_700_000_000n + BigInt(number);
  const known = { firstName: "Ada", username: "ada_l", dcId: 1, premium: false, password: null };
  emulator.world.addUser({ id, phone: `9996618${String(number).padStart(3, "0")}`, ...known });
  return botApi.person(id, language);
}
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => {
      if (!(error instanceof GrammyError)) throw error;
      return { code: error.error_code, says: error.description };
    },
  );
const chatOf = (id: bigint) => Number(id);

it("knows its bot, and no other", async () => {
  expect(await api.getMe()).toMatchObject({ id: 7000000001, is_bot: true, username: "some_bot" });
  const other = new Api("7000000001:another_token_altogether_abcdef", { apiRoot: botApi.root });
  expect(await refusal(other.getMe())).toMatchObject({ code: 401 });
});

it("gives updates in order, again until the bot says that they arrived, and waits for the next one", async () => {
  const ada = person("ru");
  ada.write("/start now");
  ada.write("hello");
  const first = await api.getUpdates({ limit: 1 });
  expect(first).toMatchObject([
    {
      message: {
        ...{ text: "/start now", entities: [{ type: "bot_command", offset: 0, length: 6 }] },
        from: { language_code: "ru", username: "ada_l" },
        chat: { id: chatOf(ada.telegramId), type: "private" },
      },
    },
  ]);
  expect(await api.getUpdates()).toHaveLength(2);
  const next = (first[0]?.update_id ?? 0) + 2;
  const waiting = api.getUpdates({ offset: next, timeout: 30 });
  ada.write("at last");
  expect(await waiting).toMatchObject([{ update_id: next, message: { text: "at last" } }]);
});

it("ends the earlier of two polls", async () => {
  const last = (await api.getUpdates()).at(-1)?.update_id ?? 0;
  const ada = person();
  const polls = [1, 2].map(() => api.getUpdates({ offset: last + 1, timeout: 30 }));
  expect(await Promise.any(polls.map(refusal))).toMatchObject({ code: 409 });
  ada.write("/start");
  const answered = (await Promise.allSettled(polls)).flatMap((poll) =>
    poll.status === "fulfilled" ? [poll.value] : [],
  );
  expect(answered).toMatchObject([[{ message: { text: "/start" } }]]);
});

it("writes to nobody who has not begun, or has blocked the bot", async () => {
  const ada = person();
  expect(await refusal(api.sendMessage(chatOf(ada.telegramId), "hi"))).toEqual({
    code: 400,
    says: "Bad Request: chat not found",
  });
  expect(await refusal(api.sendMessage(1, "hi"))).toMatchObject({ code: 400 });
  ada.write("/start");
  ada.setBlocked(true);
  expect(await refusal(api.sendMessage(chatOf(ada.telegramId), "hi"))).toEqual({
    code: 403,
    says: "Forbidden: bot was blocked by the user",
  });
});

it("keeps Telegram's rules for messages, buttons and their answers", async () => {
  const ada = person();
  const chat = chatOf(ada.telegramId);
  const written = ada.write("/start");
  const { message_id } = await api.sendMessage(chat, "one", {
    reply_markup: {
      inline_keyboard: [
        [{ text: "Tap", callback_data: "tapped" }],
        [{ text: "Open", web_app: { url: "https://a.b/c" } }],
      ],
    },
  });
  for (const [call, says] of [
    [api.sendMessage(chat, " "), /text is empty/],
    [api.sendMessage(chat, "x".repeat(4_097)), /too long/],
    [
      api.sendMessage(chat, "x", {
        reply_markup: { inline_keyboard: [[{ text: "a", callback_data: "b".repeat(65) }]] },
      }),
      /BUTTON_DATA_INVALID/,
    ],
    [
      api.sendMessage(chat, "x", {
        reply_markup: { inline_keyboard: [[{ text: "a", web_app: { url: "http://a.b" } }]] },
      }),
      /Only HTTPS/,
    ],
    [api.editMessageText(chat, written, "x"), /can't be edited/],
    [api.editMessageText(chat, 999_999, "x"), /not found/],
    [api.deleteMessage(chat, 999_999), /not found/],
    [api.answerCallbackQuery("1"), /query is too old/],
  ] as const)
    expect(await refusal(call)).toMatchObject({ code: 400, says: expect.stringMatching(says) });

  const tap = ada.tap("Tap");
  const query = (await api.getUpdates({ offset: -1 })).at(-1)?.callback_query;
  expect(query).toMatchObject({ data: "tapped", message: { message_id, text: "one" } });
  expect(tap.answer()).toBeNull();
  await api.answerCallbackQuery(query?.id ?? "", { text: "heard" });
  expect(tap.answer()).toBe("heard");
  expect(await refusal(api.answerCallbackQuery(query?.id ?? ""))).toMatchObject({ code: 400 });

  await api.editMessageText(chat, message_id, "two");
  expect(await refusal(api.editMessageText(chat, message_id, "two"))).toMatchObject({ says: /not modified/ });
  await api.deleteMessage(chat, written);
  expect(ada.chat()).toMatchObject([{ id: message_id, text: "two", keyboard: null }]);
});

it("hands Mini Apps an initData that the api believes, by the bot's token and by the signature", async () => {
  const ada = person("en");
  ada.write("/start");
  await api.sendMessage(chatOf(ada.telegramId), "open", {
    reply_markup: { inline_keyboard: [[{ text: "Open", web_app: { url: "https://example.com/app?a=1" } }]] },
  });
  const { url, initData } = ada.open("Open");
  expect(url).toBe("https://example.com/app?a=1");
  const now = Date.now();
  const own = { botToken: BOT_TOKEN, botIds: [] };
  const thirdParty = { botToken: null, botIds: [7000000001n], publicKey: botApi.publicKey };
  for (const trust of [own, thirdParty])
    expect(verifyInitData(initData, trust, now)).toEqual({ telegramId: ada.telegramId });
  const forged = initData.replace(String(ada.telegramId), "6700000999");
  for (const trust of [own, thirdParty]) expect(() => verifyInitData(forged, trust, now)).toThrow();
});

it("says loudly what it does not serve", async () => {
  const ada = person();
  ada.write("/start");
  expect(await refusal(api.sendPhoto(chatOf(ada.telegramId), "some-file-id"))).toEqual({
    code: 501,
    says: "Not Implemented: the emulator does not serve sendPhoto",
  });
  expect(await refusal(api.sendMessage(chatOf(ada.telegramId), "*b*", { parse_mode: "HTML" }))).toMatchObject({
    says: "Not Implemented: the emulator does not serve parse_mode of sendMessage",
  });
  await eventually(() => logged.some((line) => line.includes("sendPhoto")));
});

it("brings login codes to the phone they are sent to", async () => {
  const ada = person();
  expect(ada.codes()).toEqual([]);
  const { phone } = emulator.world.users.get(ada.telegramId) ?? expect.fail("nobody");
  const wire = await openLoginWire({
    ...{ session: "", api: emulator.apiIds[0] ?? expect.fail("no API ID"), gate: openGate, policy: plainPolicy },
    dataCenters: { addresses: emulator.dataCenters, publicKeyPem: emulator.publicKeyPem },
    ...{ times: TIMES, log: silentLog },
  });
  await wire.sendCode(phone);
  await wire.close();
  expect(ada.codes()).toEqual(["11111"]);
});
