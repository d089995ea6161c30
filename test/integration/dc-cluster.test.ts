import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it } from "vitest";
import { createAuthKeyStore } from "../../emulator/dc/auth-keys.ts";
import { startCluster } from "../../emulator/dc/cluster.ts";
import { throwawayRsaKey } from "../../emulator/dc/rsa-key.ts";
import { TlWriter } from "../../emulator/tl/primitives.ts";
import { createWitness } from "../../emulator/witness.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { DcClient, DcSession, resultOf } from "../support/dc-client.ts";

function parts() {
  return {
    host: "127.0.0.1",
    rsa: throwawayRsaKey(),
    keys: createAuthKeyStore(),
    handlers: new Map(),
    floods: { take: () => ({ seconds: 30, errorMessage: "FLOOD_WAIT_30" }) },
    witness: createWitness(),
    clock: systemClock,
    log: silentLog,
  };
}

it("is one Telegram: its data centers share keys, waits and witness", async () => {
  const shared = parts();
  shared.handlers.set("help.GetNearestDc", () => Buffer.alloc(4));
  const cluster = await startCluster({
    ...shared,
    dataCenters: [
      { id: 1, port: 0 },
      { id: 2, port: 0 },
    ],
  });
  expect(cluster.addresses.map(({ id }) => id)).toEqual([1, 2]);
  const errors: string[] = [];
  const clients: DcClient[] = [];
  for (const { id, port } of cluster.addresses) {
    const key = randomBytes(256);
    shared.keys.plant({ key, dcId: id, accountId: 5n, apiId: 1 });
    const client = new DcClient(port);
    clients.push(client);
    const session = new DcSession(client, key);
    session.send(new TlWriter().int(0x7abe77ec).long(1n).finish());
    const refused = await session.until(0xedab447b);
    refused!.reader.raw(16);
    session.salt = refused!.reader.long();
    session.send(new TlWriter().int(0x1fb33026).finish());
    const result = resultOf((await session.until(0xf35c6d01))!);
    result.reader.int();
    errors.push(result.reader.string());
  }
  expect(errors.map((error) => error.replace(/\d+$/, ""))).toEqual(["FLOOD_WAIT_", "FLOOD_WAIT_"]);
  const calls = shared.witness.calls();
  expect(calls.map(({ dcId, early }) => [dcId, early])).toEqual([
    [1, false],
    [2, true],
  ]);
  expect(calls.map(({ connectionId }) => connectionId)).toEqual([1, 2]);
  await cluster.close();
  for (const client of clients) await client.untilClosed();
});

it("leaves no port open where one cannot be had", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const freeAddress = free.address();
  const freePort = typeof freeAddress === "object" && freeAddress ? freeAddress.port : 0;
  free.close();
  await once(free, "close");
  const dataCenters = [
    { id: 1, port: freePort },
    { id: 2, port },
  ];
  await expect(startCluster({ ...parts(), dataCenters })).rejects.toMatchObject({ code: "EADDRINUSE" });
  const [error] = await once(connect(freePort, "127.0.0.1"), "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  taken.close();
});
