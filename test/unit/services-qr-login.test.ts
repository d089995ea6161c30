import { Api } from "telegram";
import { computeCheck } from "telegram/Password.js";
import { beforeEach, expect, test } from "vitest";
import { tokenOfLink } from "../../emulator/login-link.ts";
import { decode, type EmulatedClient, emulatedCalls } from "../support/emulated-calls.ts";
import { manualClock } from "../support/manual-clock.ts";

const API = { apiId: 1001, apiHash: "a".repeat(32) };
const HERE = 10n;
const ELSEWHERE = 11n;
const CAREFUL = 12n;
const PASSWORD = "correct horse";
let calls: ReturnType<typeof emulatedCalls>;
let clock: ReturnType<typeof manualClock>;

beforeEach(() => {
  clock = manualClock(1_700_000_000_000);
  calls = emulatedCalls({ clock });
  const person = { firstName: "P", username: null, premium: false, password: null };
  calls.world.addUser({ ...person, id: HERE, phone: "9996620001", dcId: 2 });
  calls.world.addUser({ ...person, id: ELSEWHERE, phone: "9996610002", dcId: 1, password: PASSWORD });
  calls.world.addUser({ ...person, id: CAREFUL, phone: "9996620003", dcId: 2, password: PASSWORD });
});

const exportToken = (client: EmulatedClient, api = API) =>
  client.call(new Api.auth.ExportLoginToken({ ...api, exceptIds: [] }));
async function shown(client: EmulatedClient): Promise<Api.auth.LoginToken> {
  const answer = await exportToken(client);
  if (!(answer instanceof Api.auth.LoginToken)) throw new Error(answer.className);
  return answer;
}

test("a token lives half a minute, and a newer one does not end it sooner", async () => {
  const client = calls.client(null);
  const first = await shown(client);
  expect(first.expires).toBe(1_700_000_030);
  clock.pass(29_000);
  const second = await shown(client);
  expect(second.token.equals(first.token)).toBe(false);
  clock.pass(2_000);
  expect(() => calls.loginTokens.accept(first.token, HERE)).toThrow("AUTH_TOKEN_EXPIRED");
  calls.loginTokens.accept(second.token, HERE);
  expect(client.key.accountId).toBe(HERE);
});

test("the client is told, asks again and is logged in; the accepting account is shown the device", async () => {
  const client = calls.client(null);
  const { token } = await shown(client);
  const phone = calls.client(HERE);
  const device = await phone.call(new Api.auth.AcceptLoginToken({ token }));
  expect(device).toMatchObject({ className: "Authorization", apiId: API.apiId });
  const update = decode<Api.UpdateShort>(calls.pushed[0]!.update);
  expect(calls.pushed[0]!.keyId).toBe(client.key.keyId);
  expect(update.update.className).toBe("UpdateLoginToken");
  const answer = await exportToken(client);
  expect(answer).toMatchObject({
    className: "auth.LoginTokenSuccess",
    authorization: { user: { phone: "9996620001" } },
  });
});

test("an account of another data center is imported there, once, and only there", async () => {
  const client = calls.client(null);
  calls.loginTokens.accept((await shown(client)).token, ELSEWHERE);
  const move = await exportToken(client);
  if (!(move instanceof Api.auth.LoginTokenMigrateTo)) throw new Error(move.className);
  expect(move.dcId).toBe(1);
  expect(client.key.accountId).toBeNull();
  const carry = new Api.auth.ImportLoginToken({ token: move.token });
  await expect(calls.client(null).call(carry)).rejects.toThrow("AUTH_TOKEN_INVALID");
  const there = calls.client(null, 1);
  await expect(there.call(carry)).rejects.toThrow("SESSION_PASSWORD_NEEDED");
  await expect(calls.client(null, 1).call(carry)).rejects.toThrow("AUTH_TOKEN_ALREADY_ACCEPTED");
  const asked = await there.call(new Api.account.GetPassword());
  await there.call(new Api.auth.CheckPassword({ password: await computeCheck(asked, PASSWORD) }));
  expect(there.key.accountId).toBe(ELSEWHERE);
});

test("the password comes before the login where there is one", async () => {
  const client = calls.client(null);
  calls.loginTokens.accept((await shown(client)).token, CAREFUL);
  expect(client.key.accountId).toBeNull();
  await expect(exportToken(client)).rejects.toThrow("SESSION_PASSWORD_NEEDED");
  const asked = await client.call(new Api.account.GetPassword());
  await client.call(new Api.auth.CheckPassword({ password: await computeCheck(asked, PASSWORD) }));
  expect((await exportToken(client)).className).toBe("auth.LoginTokenSuccess");
});

test("what Telegram would refuse is refused", async () => {
  const client = calls.client(null);
  await expect(exportToken(client, { ...API, apiHash: "b" })).rejects.toThrow("API_ID_INVALID");
  const { token } = await shown(client);
  expect(() => calls.loginTokens.accept(Buffer.alloc(32), HERE)).toThrow("AUTH_TOKEN_INVALIDX");
  await expect(calls.client(null).call(new Api.auth.AcceptLoginToken({ token }))).rejects.toThrow("UNREGISTERED");
  calls.loginTokens.accept(token, HERE);
  expect(() => calls.loginTokens.accept(token, CAREFUL)).toThrow("AUTH_TOKEN_ALREADY_ACCEPTED");
});

test("a link is read as a camera reads it", () => {
  const token = Buffer.from("00ff10fe20fd", "hex");
  expect(tokenOfLink(`tg://login?token=${token.toString("base64url")}`)).toEqual(token);
  expect(() => tokenOfLink("https://t.me/login?token=AA")).toThrow("no login link");
});
