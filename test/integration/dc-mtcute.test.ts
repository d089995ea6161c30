import { BaseTelegramClient, MemoryStorage } from "@mtcute/node";
import { addPublicKey, NodeCryptoProvider } from "@mtcute/node/utils.js";
import { afterEach, expect, it } from "vitest";
import { encodeSentCode } from "../../emulator/tl/write-login.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { testDc } from "../support/test-dc.ts";

const undo: (() => PromiseLike<void>)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

/** A client of another author, which knows nothing of us but an address and a public key. */
function mtcute(dc: { port: number; publicKeyPem: string }, api: { apiId: number; apiHash: string }) {
  const crypto = new NodeCryptoProvider();
  addPublicKey(crypto, dc.publicKeyPem);
  const main = { id: 2, ipAddress: "127.0.0.1", port: dc.port };
  const client = new BaseTelegramClient({
    ...api,
    storage: new MemoryStorage(),
    crypto,
    defaultDcs: { main, media: main },
    disableUpdates: true,
    logLevel: 0,
  });
  undo.push(() => client.destroy());
  return client;
}

it("asks the whole emulator for its configuration and for a login code", async () => {
  const emulator = await startTestEmulator();
  undo.push(() => emulator.close());
  const [api] = emulator.apiIds;
  const dc = emulator.dataCenters.find(({ id }) => id === 2);
  if (!api || !dc) throw new Error("no API ID or no DC 2");
  const client = mtcute({ port: dc.port, publicKeyPem: emulator.publicKeyPem }, api);
  await client.connect();
  const config = await client.call({ _: "help.getConfig" });
  expect(config.thisDc).toBe(2);
  expect(config.dcOptions.map(({ id, port }) => [id, port])).toEqual(
    emulator.dataCenters.map(({ id, port }) => [id, port]),
  );
  const phone = emulator.accounts.find(({ dcId }) => dcId === 2)?.phone ?? "99966210001";
  const sent = await client.call({ _: "auth.sendCode", phoneNumber: phone, ...api, settings: { _: "codeSettings" } });
  expect(sent).toMatchObject({ _: "auth.sentCode", phoneCodeHash: expect.stringMatching(/./) });
  expect(emulator.witness.summary()).toMatchObject({ keysKilled: 0, violations: 0 });
});

it("serves a client of another author, of a newer layer", async () => {
  const test = await testDc();
  undo.push(() => test[Symbol.asyncDispose]());
  const asked: { phone: unknown; apiId: unknown; layer: number }[] = [];
  test.handlers.set("auth.SendCode", (request, context) => {
    asked.push({ phone: request.phoneNumber, apiId: request.apiId, layer: context.layer });
    return encodeSentCode({ hash: "a hash", way: "app", next: "sms", timeout: 60 });
  });
  const api = { apiId: 1001, apiHash: "0".repeat(32) };
  const client = mtcute({ port: test.dc.port, publicKeyPem: test.rsa.publicKeyPem }, api);
  await client.connect();
  const config = await client.call({ _: "help.getConfig" });
  expect(config.dcOptions).toMatchObject([{ ipAddress: "127.0.0.1", port: test.dc.port }]);
  const sent = await client.call({
    _: "auth.sendCode",
    phoneNumber: "99966210001",
    ...api,
    settings: { _: "codeSettings" },
  });
  expect(sent).toMatchObject({ _: "auth.sentCode", phoneCodeHash: "a hash" });
  expect(asked).toEqual([{ phone: "99966210001", apiId: 1001, layer: expect.any(Number) }]);
  expect(asked[0]?.layer).toBeGreaterThan(198);
  expect(test.witness.summary()).toMatchObject({ keysKilled: 0, violations: 0 });
});
