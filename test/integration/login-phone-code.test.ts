import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { ConnectOptions } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { readSession } from "../../telegram/gramjs/session-string.ts";
import { type PhoneLogin, startPhoneLogin } from "../../telegram/login/phone-code.ts";
import { eventually } from "../support/eventually.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

const AT_HOME = { id: 6_000_000_001n, phone: "9996610001", dcId: 1, code: "11111" };
const ELSEWHERE = { id: 6_000_000_002n, phone: "9996620002", dcId: 2, code: "22222" };
const CAREFUL = { id: 6_000_000_003n, phone: "9996610003", dcId: 1, code: "11111", password: "correct horse 🐎" };

let telegram: WireTelegram;
const opened: PhoneLogin[] = [];

beforeAll(async () => {
  telegram = await startWireTelegram();
  for (const user of [AT_HOME, ELSEWHERE, CAREFUL]) {
    telegram.world.addUser({ firstName: "Ada", username: null, premium: false, password: null, ...user });
  }
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((login) => login.close()));
  await eventually(() => telegram.witness.connectionsOpen() === 0);
});

afterAll(() => telegram?.close());

async function start(phone: string, more: Partial<ConnectOptions> = {}): Promise<PhoneLogin> {
  const login = await startPhoneLogin(telegram.options("", more), phone);
  opened.push(login);
  return login;
}

/** Whether the session works, and whose it is. */
async function ownerOf(session: string): Promise<bigint> {
  const connection = await connect(telegram.options(session));
  try {
    return (await connection.api.getMe()).id;
  } finally {
    await connection.close();
  }
}

it("logs in by phone and code", async () => {
  const login = await start(AT_HOME.phone);
  expect(await login.sendCode()).toMatchObject({ phoneCodeHash: expect.any(String), type: expect.any(String) });
  const result = await login.signIn(AT_HOME.code);
  if (result === "password_needed") throw new Error(result);
  expect(result.done).toMatchObject({ id: AT_HOME.id, phone: AT_HOME.phone });
  expect(result.session).toBe(login.session());
  await login.close();
  expect(await ownerOf(result.session)).toBe(AT_HOME.id);
});

it("follows the account to its data center, with a new key there", async () => {
  const login = await start(ELSEWHERE.phone);
  const before = await readSession(login.session());
  expect(before.dcId).toBe(1);
  await login.sendCode();
  const after = await readSession(login.session());
  expect(after.dcId).toBe(2);
  expect(after.authKey.getKey()).not.toEqual(before.authKey.getKey());
  expect(telegram.witness.connectionsOpen()).toBe(1);
  expect(await login.signIn(ELSEWHERE.code)).toMatchObject({ done: { id: ELSEWHERE.id } });
  await login.close();
  expect(await ownerOf(login.session())).toBe(ELSEWHERE.id);
});

it("asks for the password where there is one, and again after a wrong one", async () => {
  const login = await start(CAREFUL.phone);
  await login.sendCode();
  expect(await login.signIn(CAREFUL.code)).toBe("password_needed");
  await expect(login.checkPassword("wrong")).rejects.toMatchObject({
    kind: "login_refused",
    errorName: "PASSWORD_HASH_INVALID",
  });
  const result = await login.checkPassword(CAREFUL.password);
  expect(result.done.id).toBe(CAREFUL.id);
  await login.close();
  expect(await ownerOf(result.session)).toBe(CAREFUL.id);
});

it("names each refusal", async () => {
  const login = await start(AT_HOME.phone);
  await expect(login.signIn("11111")).rejects.toMatchObject({ errorName: "PHONE_CODE_HASH_EMPTY" });
  await login.sendCode();
  await expect(login.signIn("00000")).rejects.toMatchObject({
    kind: "login_refused",
    errorName: "PHONE_CODE_INVALID",
  });
  await expect(login.signIn("")).rejects.toMatchObject({ errorName: "PHONE_CODE_EMPTY" });
  const again = await login.sendCode();
  expect(await login.signIn(AT_HOME.code)).toMatchObject({ done: { id: AT_HOME.id } });
  expect(again.phoneCodeHash).not.toBe("");

  await expect((await start("12025550123")).sendCode()).rejects.toMatchObject({
    kind: "login_refused",
    errorName: "PHONE_NUMBER_INVALID",
  });
});

it("never signs up", async () => {
  const login = await start("9996610999");
  await login.sendCode();
  await expect(login.signIn("11111")).rejects.toMatchObject({
    kind: "login_refused",
    errorName: "PHONE_NUMBER_UNOCCUPIED",
  });
});

it("says when the API ID is refused", async () => {
  const login = await start(AT_HOME.phone, { api: { apiId: 7, apiHash: "b".repeat(32) } });
  await expect(login.sendCode()).rejects.toMatchObject({ kind: "api_id_refused", errorName: "API_ID_INVALID" });
});

it("ends under a closed gate", async () => {
  const gate = { open: true, isOpen: () => gate.open };
  const login = await start(ELSEWHERE.phone, { gate });
  gate.open = false;
  await expect(login.sendCode()).rejects.toMatchObject({ kind: "lease_lost" });
});
