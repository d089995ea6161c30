import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { subscriptionsOf } from "../../db/channels.ts";
import { preferencesOf } from "../../db/user-preferences.ts";
import { findUser } from "../../db/users.ts";
import type { Person } from "../../emulator/bot-api/person.ts";
import { ADMIN, ask, type BotHome, saying, startBotHome } from "../support/bot.ts";
import { eventually } from "../support/eventually.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let home: BotHome;
beforeAll(async () => {
  home = await startBotHome();
  await home.startBot();
});
afterAll(() => home?.close());

const userOf = ({ telegramId }: Person) =>
  home.database.inTenant("default", async (tx) => (await findUser(tx, telegramId)) ?? expect.fail("no user"));

/** Somebody who has come with an invite; what the bot said to it is the chat's last message. */
async function arrived(language: string): Promise<Person> {
  const person = home.person({ language });
  await ask(person, `/login ${await home.invite()}`);
  return person;
}

describe.each([
  {
    language: "en",
    words: {
      start: /invite code/,
      login: /I never ask for Telegram's login code/,
      button: "Log in",
      refused: /I do not know this invite code/,
      subscription: /Plan: free/,
      zone: /Times are in Europe\/Moscow/,
      added: /is read from the next reading on/,
      malformed: /no channel's name/,
      listed: /Channels: 10, page 1 of 2/,
      pending: /not looked up yet/,
      which: /Which one/,
      removed: /is read no longer/,
      parse: /log in first/,
      authHow: /my\.telegram\.org/,
      kept: /uses the API ID 4242/,
      deleted: /I have deleted your message/,
      code: /it is void now/,
      admins: /for admins/,
      notLoggedIn: /not finished in time|not logged in/,
      commandsOnly: /commands only/,
    },
  },
  {
    language: "ru",
    words: {
      start: /код приглашения/,
      login: /Я никогда не спрашиваю код/,
      button: "Войти",
      refused: /Такого кода приглашения нет/,
      subscription: /Тариф: бесплатный/,
      zone: /Время показано для Europe\/Moscow/,
      added: /читается со следующего чтения/,
      malformed: /это не имя канала/,
      listed: /Каналов: 10, страница 1 из 2/,
      pending: /ещё не найден/,
      which: /Какой больше не читать/,
      removed: /больше не читается/,
      parse: /сначала войдите/,
      authHow: /my\.telegram\.org/,
      kept: /через API ID 4242/,
      deleted: /сообщение я удалил/,
      code: /он уже недействителен/,
      admins: /только для администраторов/,
      notLoggedIn: /не был завершён|не вошли/,
      commandsOnly: /только команды/,
    },
  },
])("in $language", ({ language, words }) => {
  let person: Person;

  it("says who it is, and lets in nobody without an invite", async () => {
    const stranger = home.person({ language });
    expect(await ask(stranger, "/start")).toMatch(words.start);
    expect(await ask(stranger, "hello")).toMatch(words.commandsOnly);
    expect(await ask(stranger, "/login")).toMatch(/\/login/);
    expect(await ask(stranger, "/login NOSUCHCODE12")).toMatch(words.refused);
    for (const command of ["/subscription", "/channels", "/add_channel @a", "/remove_channel", "/parse", "/logout"])
      expect(await ask(stranger, command)).toMatch(/\/login/);
    expect(await home.database.inTenant("default", (tx) => findUser(tx, stranger.telegramId))).toBeNull();
  });

  it("answers an invite with a page to log in on, and never wants a login code", async () => {
    person = home.person({ language });
    expect(await ask(person, `/login ${await home.invite()}`)).toMatch(words.login);
    const { url, initData } = person.open(words.button);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/qr-auth\?session_id=[\w-]{32}$/);
    expect(new URLSearchParams(initData).get("user")).toContain(String(person.telegramId));
    for (const code of ["12345", "123 456", "code 12345."]) expect(await ask(person, code)).toMatch(words.code);
    expect(await ask(person, "/login 12345")).toMatch(words.refused);
    await saying(person, 0, words.code);
    const user = await userOf(person);
    expect(await home.database.inTenant("default", (tx) => preferencesOf(tx, user.id))).toMatchObject({ language });
  });

  it("tells of the plan, in the reader's zone", async () => {
    const said = await ask(person, "/subscription");
    expect(said).toMatch(words.subscription);
    expect(said).toMatch(words.zone);
    expect(await ask(person, "/timezone Asia/Yekaterinburg")).toContain("GMT+5");
    expect(await ask(person, "/timezone Nowhere/AtAll")).not.toContain("GMT");
    expect(await ask(person, "/subscription")).toContain("Asia/Yekaterinburg");
    await ask(person, "/timezone Europe/Moscow");
  });

  it("adds, lists and removes channels", async () => {
    const names = Array.from({ length: 9 }, (_, index) => `@some_channel_${index}`);
    const added = await ask(person, `/add_channel ${names.join(" ")}`);
    expect(added.split("\n")).toHaveLength(9);
    expect(added).toMatch(words.added);
    await ask(person, "/add_channel t.me/one_by_its_link");
    expect(await ask(person, "/add_channel @some_channel_1")).toMatch(words.pending);
    expect(await ask(person, "/add_channel !!!")).toMatch(words.malformed);
    const list = await ask(person, "/channels");
    expect(list).toMatch(words.listed);
    expect(list).toContain("8. @some_channel_7");
    person.tap("›");
    await eventually(() => person.chat().at(-1)?.text.includes("10. @one_by_its_link"));

    expect(await ask(person, "/remove_channel")).toMatch(words.which);
    const tap = person.tap("some_channel_3");
    await eventually(() => words.removed.test(tap.answer() ?? ""));
    expect(await ask(person, "/remove_channel @some_channel_4 nothing_like_it")).toMatch(words.removed);
    const user = await userOf(person);
    const left = await home.database.inTenant("default", (tx) => subscriptionsOf(tx, user.id));
    expect(left.map(({ name }) => name)).not.toContain("some_channel_3");
    expect(left).toHaveLength(8);
  });

  it("keeps an own API ID, and leaves no hash in the chat or in clear", async () => {
    const hash = `${language === "en" ? "aa" : "bb"}00112233445566778899aabbccddee`;
    expect(await ask(person, "/auth")).toMatch(words.authHow);
    expect(await ask(person, "/auth 4242")).not.toMatch(words.kept);
    const before = person.chat().at(-1)?.id ?? 0;
    const written = person.write(`/auth 4242 ${hash}`);
    await saying(person, before, words.kept);
    await saying(person, before, words.deleted);
    expect(person.chat().map(({ id }) => id)).not.toContain(written);
    // Pasted without the command, and by somebody who is nobody here: gone as well.
    const stranger = home.person({ language });
    const pasted = stranger.write(`4242 ${hash}`);
    await saying(stranger, pasted, words.deleted);
    expect(stranger.chat().map(({ id }) => id)).not.toContain(pasted);
    expect(home.logged.join("\n")).not.toContain(hash);
    expect(await ask(person, "/subscription")).toContain("4242");
    expect(await ask(person, "/auth off")).not.toMatch(words.kept);
    expect(await ask(person, "/subscription")).not.toContain("4242");
  });

  it("says what it cannot do for whoever is not logged in", async () => {
    expect(await ask(person, "/parse")).toMatch(words.parse);
    expect(await ask(person, "/logout")).toMatch(words.notLoggedIn);
  });

  it("keeps its debug commands to admins", async () => {
    expect(await ask(person, "/debug_status")).toMatch(words.admins);
    expect(await ask(person, `/debug_reset ${person.telegramId}`)).toMatch(words.admins);
  });

  it("has a menu", () => {
    const menu = home.botApi.commands(language === "en" ? "" : language);
    expect(menu.map(({ command }) => command)).toContain("subscription");
  });
});

it("tells an admin of the fleet, and resets", async () => {
  const admin = home.person({ id: ADMIN, language: "en" });
  expect(await ask(admin, "/debug_status")).toMatch(/^users \d+ · due/);
  const person = await arrived("en");
  expect(await ask(admin, `/debug_reset ${person.telegramId}`)).toContain(`${person.telegramId}: login ended`);
  expect(await ask(admin, "/debug_reset 42")).toContain("no such user");
});
