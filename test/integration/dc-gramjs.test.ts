import { type Api, TelegramClient } from "telegram";
import { AuthKey } from "telegram/crypto/AuthKey.js";
import { Logger, LogLevel } from "telegram/extensions/Logger.js";
import { PromisedNetSockets } from "telegram/extensions/PromisedNetSockets.js";
import { StringSession } from "telegram/sessions/index.js";
import { Api as TL } from "telegram/tl/api.js";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createClusterState } from "../../emulator/dc/data-center.ts";
import { RpcError } from "../../emulator/dc/service.ts";
import { trustServerKey } from "../../telegram/gramjs/server-keys.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDc, testDc } from "../support/test-dc.ts";

let test: TestDc;
const clients: TelegramClient[] = [];

beforeEach(async () => {
  test = await testDc();
  trustServerKey(test.rsa.publicKeyPem);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.destroy();
  await test[Symbol.asyncDispose]();
});

/** GramJS as it is, its socket alone sent to our port. */
async function gramjs(key?: Buffer, at: TestDc = test): Promise<TelegramClient> {
  const session = new StringSession("");
  session.setDC(2, "127.0.0.1", 80);
  if (key) {
    const authKey = new AuthKey();
    await authKey.setKey(key);
    session.setAuthKey(authKey);
  }
  const { port } = at.dc;
  const client = new TelegramClient(session, 1001, "0".repeat(32), {
    networkSocket: class extends PromisedNetSockets {
      override connect(_port: number, _host: string) {
        return super.connect(port, "127.0.0.1");
      }
    },
    floodSleepThreshold: 0,
    retryDelay: 10,
    baseLogger: new Logger(LogLevel.NONE),
  });
  clients.push(client);
  return client;
}

it("agrees on a key and tells its configuration", async () => {
  const client = await gramjs();
  expect(await client.connect()).toBe(true);
  const config: Api.Config = await client.invoke(new TL.help.GetConfig());
  expect(config.dcOptions.map(({ id, port }) => ({ id, port }))).toEqual([{ id: 2, port: test.dc.port }]);
  const [record] = [...test.keys.all()];
  expect(record).toMatchObject({ dcId: 2, apiId: 1001, accountId: null, ended: null });
  expect(test.witness.summary()).toMatchObject({ callsByMethod: { "help.GetConfig": 2 }, keysKilled: 0 });
});

it("asks again where the agreed key begins with a zero byte", async () => {
  const shared = createClusterState();
  let secrets = 0;
  const dh = {
    ...shared.dh,
    secret(clientValue: Buffer) {
      const secret = shared.dh.secret(clientValue);
      secrets += 1;
      if (secrets === 1) secret[0] = 0;
      return secret;
    },
  };
  await using retrying = await testDc({ shared: { ...shared, dh } });
  const client = await gramjs(undefined, retrying);
  expect(await client.connect()).toBe(true);
  expect(secrets).toBe(2);
  expect([...retrying.keys.all()]).toHaveLength(1);
});

it("answers many requests at once, large ones and failing ones", async () => {
  const key = test.plant(77n);
  test.handlers.set("users.GetUsers", (_request, context) => {
    throw new RpcError(400, `USER_${context.account()}_INVALID`);
  });
  const client = await gramjs(key);
  await client.connect();
  const configs = await Promise.all(Array.from({ length: 50 }, () => client.invoke(new TL.help.GetConfig())));
  expect(new Set(configs.map((config) => config.className))).toEqual(new Set(["Config"]));
  // More than 512 bytes: GramJS says gzip_packed and compresses nothing.
  const many = Array.from({ length: 200 }, () => new TL.InputUserSelf());
  await expect(client.invoke(new TL.users.GetUsers({ id: many }))).rejects.toMatchObject({
    code: 400,
    errorMessage: "USER_77_INVALID",
  });
  await expect(client.invoke(new TL.messages.GetAllStickers({}))).rejects.toMatchObject({
    code: 501,
    errorMessage: "METHOD_NOT_SERVED",
  });
  expect(test.witness.summary()).toMatchObject({
    callsByAccount: { 77: 53 },
    outcomes: { ok: 51, USER_77_INVALID: 1, METHOD_NOT_SERVED: 1 },
  });
});

it("sends large answers compressed where that is wanted", async () => {
  await using packing = await testDc({ gzipAboveBytes: 64 });
  const client = await gramjs(packing.plant(1n), packing);
  await client.connect();
  expect((await client.invoke(new TL.help.GetConfig())).meUrlPrefix).toBe("https://t.me/");
});

it("kills a key that two clients use at once, for ever", async () => {
  const key = test.plant(5n);
  const [older, newer] = [await gramjs(key), await gramjs(key)];
  await older.connect();
  await newer.connect();
  expect(test.witness.keysKilled()).toEqual([]);
  await expect(older.invoke(new TL.help.GetConfig())).rejects.toMatchObject({
    code: 406,
    errorMessage: "AUTH_KEY_DUPLICATED",
  });
  expect(test.witness.keysKilled()).toMatchObject([{ accountId: 5n }]);
  expect([...test.keys.all()][0]?.ended).toEqual({ code: 406, errorMessage: "AUTH_KEY_DUPLICATED" });
  await expect(newer.invoke(new TL.help.GetNearestDc())).rejects.toMatchObject({ errorMessage: "AUTH_KEY_DUPLICATED" });
});

it("lets clients use a key one after the other", async () => {
  const key = test.plant(5n);
  for (let turn = 0; turn < 3; turn++) {
    const client = await gramjs(key);
    await client.connect();
    await client.invoke(new TL.help.GetNearestDc());
    await client.destroy();
  }
  expect(test.witness.summary()).toMatchObject({ keysKilled: 0, connectionsTotal: 3 });
  const [record] = [...test.keys.all()];
  const history = test.witness.connectionsOf(record!.keyId);
  expect(new Set(history.map((connection) => connection.sessionId)).size).toBe(3);
  await eventually(() => test.witness.connectionsOpen() === 0);
});

it("tells waits, tells them again, and counts who knew of them", async () => {
  let floods = 0;
  await using flooding = await testDc({
    floods: {
      take(request) {
        if (request.className !== "help.GetNearestDc") return null;
        floods += 1;
        return { seconds: 600, errorMessage: "FLOOD_WAIT_600" };
      },
    },
  });
  const client = await gramjs(flooding.plant(9n), flooding);
  await client.connect();
  await expect(client.invoke(new TL.help.GetNearestDc())).rejects.toMatchObject({ seconds: 600 });
  expect(flooding.witness.summary()).toMatchObject({ waits: 1, earlyCalls: 0, violations: 0 });
  // The acknowledgement leaves with the next frame at the latest.
  await client.invoke(new TL.help.GetConfig());
  await expect(client.invoke(new TL.help.GetNearestDc())).rejects.toMatchObject({ seconds: 600 });
  expect(floods).toBe(1);
  // Another key of the same account knows as well.
  const other = await gramjs(flooding.plant(9n), flooding);
  await other.connect();
  await expect(other.invoke(new TL.help.GetNearestDc())).rejects.toMatchObject({ seconds: 600 });
  expect(flooding.witness.summary()).toMatchObject({ waits: 3, earlyCalls: 2, violations: 2 });
  // Another account has a bucket of its own.
  const stranger = await gramjs(flooding.plant(10n), flooding);
  await stranger.connect();
  await expect(stranger.invoke(new TL.help.GetNearestDc())).rejects.toMatchObject({ seconds: 600 });
  expect(flooding.witness.violations()).toHaveLength(2);
});

it("answers with what ended a key", async () => {
  const key = test.plant(5n);
  const [record] = [...test.keys.all()];
  test.keys.change(record!, { ended: { code: 401, errorMessage: "SESSION_REVOKED" } });
  const client = await gramjs(key);
  await expect(client.connect()).rejects.toMatchObject({ code: 401, errorMessage: "SESSION_REVOKED" });
});
