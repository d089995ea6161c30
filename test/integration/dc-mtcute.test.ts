import { BaseTelegramClient, MemoryStorage } from "@mtcute/node";
import { addPublicKey, NodeCryptoProvider } from "@mtcute/node/utils.js";
import { afterEach, expect, it } from "vitest";
import { encodeSentCode } from "../../emulator/tl/write-login.ts";
import { type TestDc, testDc } from "../support/test-dc.ts";

let test: TestDc;
let client: BaseTelegramClient;

afterEach(async () => {
  await client.destroy();
  await test[Symbol.asyncDispose]();
});

it("serves a client of another author, of a newer layer", async () => {
  test = await testDc();
  const asked: { phone: unknown; apiId: unknown; layer: number }[] = [];
  test.handlers.set("auth.SendCode", (request, context) => {
    asked.push({ phone: request.phoneNumber, apiId: request.apiId, layer: context.layer });
    return encodeSentCode("a hash");
  });
  const crypto = new NodeCryptoProvider();
  addPublicKey(crypto, test.rsa.publicKeyPem);
  const dc = { id: 2, ipAddress: "127.0.0.1", port: test.dc.port };
  client = new BaseTelegramClient({
    apiId: 1001,
    apiHash: "0".repeat(32),
    storage: new MemoryStorage(),
    crypto,
    defaultDcs: { main: dc, media: dc },
    disableUpdates: true,
    logLevel: 0,
  });
  await client.connect();
  const config = await client.call({ _: "help.getConfig" });
  expect(config.dcOptions).toMatchObject([{ ipAddress: "127.0.0.1", port: test.dc.port }]);
  const sent = await client.call({
    _: "auth.sendCode",
    phoneNumber: "99966210001",
    apiId: 1001,
    apiHash: "0".repeat(32),
    settings: { _: "codeSettings" },
  });
  expect(sent).toMatchObject({ _: "auth.sentCode", phoneCodeHash: "a hash" });
  expect(asked).toEqual([{ phone: "99966210001", apiId: 1001, layer: expect.any(Number) }]);
  expect(asked[0]?.layer).toBeGreaterThan(198);
  expect(test.witness.summary()).toMatchObject({ keysKilled: 0, violations: 0 });
});
