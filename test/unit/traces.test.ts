import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { tracesOf } from "../support/traces.ts";

const key = randomBytes(256);
const session = `1${Buffer.concat([randomBytes(9), key]).toString("base64")}`;
const password = "Korrektes Pferd 🐎";

test.each([
  ["hexadecimal", { key }, `\\x00${key.toString("hex")}`],
  ["hexadecimal, capital", { key }, key.toString("hex").toUpperCase()],
  ["base64 within a longer one", { key }, session],
  ["base64url", { key }, Buffer.concat([randomBytes(1), key]).toString("base64url")],
  ["a Buffer in JSON", { key }, JSON.stringify({ key })],
  ["a session string", { session }, `{"session":"${session}"}`],
  ["a password in a log line", { password }, JSON.stringify({ msg: `tried ${password}` })],
  ["a password in base64", { password }, Buffer.from(`x${password}`).toString("base64")],
  ["a code", { code: "22222" }, '{"code":"22222"}'],
  ["a code in a sentence", { code: "22222" }, "the code 22222 was wrong"],
])("a secret is found: %s", (_, secrets, text) => {
  expect(tracesOf(secrets, { here: text, there: "nothing" })).not.toEqual([]);
  expect(tracesOf(secrets, { there: "nothing" })).toEqual([]);
});

test.each(['{"pid":22222}', '"12:00:01.22222"', "122222", "2026-22222", "a22222"])(
  "what only looks like a code is none: %s",
  (text) => {
    expect(tracesOf({ code: "22222" }, { here: text })).toEqual([]);
  },
);
