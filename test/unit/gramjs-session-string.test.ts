import { randomBytes } from "node:crypto";
import { AuthKey } from "telegram/crypto/AuthKey.js";
import { expect, it } from "vitest";
import { AuthLost } from "../../telegram/errors.ts";
import { addressOf, firstDataCenter } from "../../telegram/gramjs/addresses.ts";
import { readSession, writeSession } from "../../telegram/gramjs/session-string.ts";
import { formatOf } from "../../telegram/session-format.ts";

it("reads what it writes", async () => {
  const authKey = new AuthKey();
  const key = randomBytes(256);
  await authKey.setKey(key);
  const read = await readSession(writeSession(4, "149.154.167.91", authKey));
  expect(read).toMatchObject({ dcId: 4, host: "149.154.167.91", port: 443 });
  expect(read.authKey.getKey()).toEqual(key);
});

it("tells GramJS's strings from Telethon's, whatever the address", async () => {
  const key = randomBytes(256);
  const authKey = new AuthKey();
  await authKey.setKey(key);
  for (const host of ["149.154.167.91", "91.108.56.1", "127.0.0.1", "::1"])
    expect(formatOf(writeSession(2, host, authKey))).toBe("gramjs");
  const port = Buffer.of(1, 187);
  const v4 = Buffer.concat([Buffer.of(2, 149, 154, 167, 91), port, key]);
  const v6 = Buffer.concat([Buffer.of(2), Buffer.from("20010b28f23df0010000000000000000", "hex"), port, key]);
  for (const bytes of [v4, v6]) {
    const text = `1${bytes.toString("base64")}`;
    expect(formatOf(text)).toBe("telethon");
    expect((await readSession(text)).authKey.getKey()).toEqual(key);
  }
});

it.each(["2abc", "1", "1AAAA", `1${randomBytes(40).toString("base64")}`, "nonsense"])("refuses %s", async (text) => {
  await expect(readSession(text)).rejects.toBeInstanceOf(AuthLost);
});

it("finds a data center: configured, else as the session remembers it, else Telegram's own", () => {
  const configured = { addresses: [{ id: 2, host: "127.0.0.1", port: 4430 }], publicKeyPem: null };
  expect(addressOf(2, configured, { host: "149.154.167.50", port: 80 })).toEqual({ host: "127.0.0.1", port: 4430 });
  expect(() => addressOf(3, configured)).toThrow("3");
  expect(addressOf(2, null, { host: "149.154.167.51", port: 80 })).toEqual({ host: "149.154.167.51", port: 443 });
  expect(addressOf(4, null)).toEqual({ host: "149.154.167.91", port: 443 });
  expect(() => addressOf(9, null)).toThrow("9");
  expect(firstDataCenter(configured)).toBe(2);
});
