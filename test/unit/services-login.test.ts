import bigInt from "big-integer";
import { Api } from "telegram";
import { computeCheck } from "telegram/Password.js";
import { beforeEach, describe, expect, test } from "vitest";
import { emulatedCalls } from "../support/emulated-calls.ts";

const API = { apiId: 1001, apiHash: "a".repeat(32) };
let calls: ReturnType<typeof emulatedCalls>;

beforeEach(() => {
  calls = emulatedCalls();
  const person = { firstName: "P", username: "person", premium: true };
  calls.world.addUser({ id: 10n, phone: "9996620001", dcId: 2, password: null, ...person });
  calls.world.addUser({ id: 11n, phone: "9996610002", dcId: 1, password: "correct horse", ...person, username: null });
});

const sendCode = (phoneNumber: string, api = API) =>
  new Api.auth.SendCode({ phoneNumber, ...api, settings: new Api.CodeSettings({}) });

async function codeHash(client: ReturnType<typeof calls.client>, phone: string): Promise<string> {
  const sent = await client.call(sendCode(phone));
  if (!(sent instanceof Api.auth.SentCode)) throw new Error(sent.className);
  return sent.phoneCodeHash;
}

describe("a login by code", () => {
  test("binds the key to the account, until it logs out", async () => {
    const client = calls.client(null);
    const phoneCodeHash = await codeHash(client, "+999 662 0001");
    const signIn = (phoneCode: string) =>
      client.call(new Api.auth.SignIn({ phoneNumber: "9996620001", phoneCodeHash, phoneCode }));
    await expect(signIn("11111")).rejects.toThrow("PHONE_CODE_INVALID");
    const answer = await signIn("22222");
    expect((answer as Api.auth.Authorization).user).toMatchObject({ self: true, phone: "9996620001", premium: true });
    expect(client.key.accountId).toBe(10n);
    const [me] = await client.call(new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }));
    expect(me).toMatchObject({ firstName: "P", username: "person" });
    await expect(signIn("22222")).rejects.toThrow("PHONE_CODE_EXPIRED");
    await client.call(new Api.auth.LogOut());
    await expect(client.call(new Api.updates.GetState())).rejects.toThrow("AUTH_KEY_UNREGISTERED");
  });

  test("is sent to the phone's own data center", async () => {
    await expect(calls.client(null).call(sendCode("9996610002"))).rejects.toThrow("PHONE_MIGRATE_1");
  });

  test("takes a known API ID and a phone of this world", async () => {
    const client = calls.client(null);
    await expect(client.call(sendCode("9996620001", { ...API, apiId: 9 }))).rejects.toThrow("API_ID_INVALID");
    await expect(client.call(sendCode("9996620001", { ...API, apiHash: "b" }))).rejects.toThrow("API_ID_INVALID");
    await expect(client.call(sendCode("4915112345678"))).rejects.toThrow("PHONE_NUMBER_INVALID");
    await expect(client.call(sendCode("9996690001"))).rejects.toThrow("PHONE_NUMBER_INVALID");
    await expect(client.call(sendCode("9996629999"))).resolves.toBeInstanceOf(Api.auth.SentCode);
  });
});

describe("a login with a password", () => {
  test("takes GramJS's own proof, and only of the right password", async () => {
    const client = calls.client(null, 1);
    const phoneCodeHash = await codeHash(client, "9996610002");
    await expect(
      client.call(new Api.auth.SignIn({ phoneNumber: "9996610002", phoneCodeHash, phoneCode: "11111" })),
    ).rejects.toThrow("SESSION_PASSWORD_NEEDED");
    const check = async (password: string) => {
      const asked = await client.call(new Api.account.GetPassword());
      return client.call(new Api.auth.CheckPassword({ password: await computeCheck(asked, password) }));
    };
    await expect(check("wrong horse")).rejects.toThrow("PASSWORD_HASH_INVALID");
    expect(client.key.accountId).toBeNull();
    await expect(check("correct horse")).resolves.toBeInstanceOf(Api.auth.Authorization);
    expect(client.key.accountId).toBe(11n);
  });

  test("says where there is none", async () => {
    const answer = await calls.client(10n).call(new Api.account.GetPassword());
    expect(answer).toMatchObject({ hasPassword: false, currentAlgo: null });
    await expect(calls.client(null).call(new Api.account.GetPassword())).rejects.toThrow("AUTH_KEY_UNREGISTERED");
  });
});

test("an authorisation is carried to another data center once, where the account is sent home", async () => {
  const home = calls.client(10n, 2);
  const exported = await home.call(new Api.auth.ExportAuthorization({ dcId: 1 }));
  const away = calls.client(null, 1);
  const carry = new Api.auth.ImportAuthorization({ id: bigInt(10), bytes: exported.bytes });
  await expect(away.call(carry)).resolves.toBeInstanceOf(Api.auth.Authorization);
  await expect(away.call(carry)).rejects.toThrow("AUTH_BYTES_INVALID");
  await expect(away.call(new Api.updates.GetState())).rejects.toThrow("USER_MIGRATE_2");
});

test("the first questions have answers that GramJS reads", async () => {
  const client = calls.client(10n);
  expect((await client.call(new Api.help.GetConfig())).thisDc).toBe(2);
  expect((await client.call(new Api.help.GetNearestDc())).nearestDc).toBe(2);
  expect((await client.call(new Api.help.GetAppConfig({ hash: 0 }))).className).toBe("help.AppConfig");
  expect(await client.call(new Api.account.UpdateStatus({ offline: false }))).toBe(true);
  expect((await client.call(new Api.users.GetFullUser({ id: new Api.InputUserSelf() }))).users).toHaveLength(1);
  await expect(client.call(new Api.messages.GetAllDrafts())).rejects.toThrow("METHOD_NOT_SERVED");
});
