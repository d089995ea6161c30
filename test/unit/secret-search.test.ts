import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createSecretSearch } from "../support/secret-search.ts";

const KEYS = 50;
const secrets = Array.from({ length: KEYS }, (_, at) => [`key ${at}`, randomBytes(256)] as const);
const search = createSecretSearch([...secrets, ["hash", "0123456789abcdeffedcba9876543210"]]);

const FORMS: Readonly<Record<string, (secret: Buffer) => Buffer | string>> = {
  bytes: (secret) => secret,
  hexadecimal: (secret) => secret.toString("hex"),
  "hexadecimal, upper case": (secret) => secret.toString("hex").toUpperCase(),
  base64: (secret) => secret.toString("base64"),
  base64url: (secret) => secret.toString("base64url"),
  numbers: (secret) => JSON.stringify([...secret]),
  pairs: (secret) => `<Buffer ${secret.toString("hex").replace(/../g, "$& ")}...>`,
};

it.each(Object.keys(FORMS))("finds a key as %s, wherever it stands and behind whatever bytes", (name) => {
  const write = FORMS[name] ?? (() => "");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(KEYS - 1), (before, at) => {
      const [key, secret] = secrets[at] ?? ["", Buffer.alloc(0)];
      const around = Buffer.concat([before, secret, before]);
      const places = [
        Buffer.concat([Buffer.from("a line\n"), Buffer.from(write(secret)), Buffer.from("\nanother")]),
        Buffer.from(write(around)),
      ];
      for (const place of places) {
        const form = name.split(",")[0];
        expect(search.in(place).filter((trace) => trace.form === form)).toEqual([{ secret: key, form }]);
      }
    }),
  );
});

it("finds a part of a key, from wherever", () => {
  fc.assert(
    fc.property(fc.nat(KEYS - 1), fc.nat(256 - 32), (at, from) => {
      const [key, secret] = secrets[at] ?? ["", Buffer.alloc(0)];
      const part = secret.subarray(from, from + 32);
      expect(search.in(part)).toEqual([{ secret: key, form: "bytes" }]);
      expect(search.in(Buffer.from(part.toString("hex")))).toEqual([{ secret: key, form: "hexadecimal" }]);
      expect(search.in(Buffer.from(part.toString("base64"))).map(({ secret }) => secret)).toContain(key);
    }),
  );
});

it("finds a text as it is, and in base64 of what holds it", () => {
  const line = '{"api_hash":"0123456789abcdeffedcba9876543210"}';
  expect(search.in(Buffer.from(line))).toEqual([{ secret: "hash", form: "text" }]);
  expect(search.in(Buffer.from(Buffer.from(line).toString("base64")))[0]?.secret).toBe("hash");
});

it("finds nothing in what holds no secret", () => {
  expect(search.in(randomBytes(1_000_000))).toEqual([]);
  expect(search.in(Buffer.from(randomBytes(500_000).toString("hex")))).toEqual([]);
  expect(search.in(Buffer.from(randomBytes(500_000).toString("base64")))).toEqual([]);
  expect(search.in(Buffer.alloc(100))).toEqual([]);
  expect(search.in(Buffer.from(""))).toEqual([]);
});
