import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { isAtThisMachine } from "../../api/board/at-this-machine.ts";
import { isInClear, isSameOrigin } from "../../api/board/same-origin.ts";
import { createTries } from "../../api/board/tries.ts";
import { manualClock } from "../support/manual-clock.ts";

describe("at this machine", () => {
  const asked = (given: { address?: string | undefined; headers?: Record<string, string>; version?: string }) =>
    isAtThisMachine({
      socket: { remoteAddress: "address" in given ? given.address : "127.0.0.1" },
      headers: { host: "127.0.0.1:8080", ...given.headers },
      httpVersion: given.version ?? "1.1",
    } as unknown as IncomingMessage);

  it.each([
    {},
    { address: "::1", headers: { host: "[::1]:8080" } },
    { address: "::ffff:127.0.0.1", headers: { host: "localhost:8080" } },
    { address: "127.9.9.9", headers: { host: "LOCALHOST" } },
  ])("is who comes from it: %j", (given) => expect(asked(given)).toBe(true));

  it.each([
    { address: "10.0.0.1" },
    { address: "127.0.0.1.example.org" },
    { address: undefined },
    { headers: { host: "board.example.org" } },
    { headers: { host: "127.0.0.1.example.org" } },
    { headers: { host: "" } },
    { headers: { "x-forwarded-for": "127.0.0.1" } },
    { headers: { "x-forwarded-proto": "https" } },
    { headers: { forwarded: "for=127.0.0.1" } },
    { headers: { "x-real-ip": "127.0.0.1" } },
    { headers: { via: "1.1 proxy" } },
    { headers: { "cf-connecting-ip": "127.0.0.1" } },
    { version: "1.0" },
  ])("is not who may come by a proxy, or from elsewhere: %j", (given) => expect(asked(given)).toBe(false));
});

describe("a page of ours", () => {
  const host = "board.example.org";
  it.each([
    [{ "sec-fetch-site": "same-origin" }, true],
    [{ "sec-fetch-site": "same-origin", origin: "null" }, true],
    [{ origin: "https://board.example.org" }, true],
    [{}, false],
    [{ "sec-fetch-site": "same-site", origin: "https://board.example.org" }, false],
    [{ "sec-fetch-site": "cross-site" }, false],
    [{ "sec-fetch-site": "none" }, false],
    [{ origin: "null" }, false],
    [{ origin: "https://board.example.org.evil.example" }, false],
    [{ origin: "https://evil.example/board.example.org" }, false],
    [{ origin: "https://board.example.org:8443" }, false],
  ])("asks with %j: %s", (headers, is) => expect(isSameOrigin({ headers, host })).toBe(is));

  it.each([
    ["http://board.example.org", true],
    ["https://board.example.org", false],
    ["http://localhost:8080", false],
    ["http://127.0.0.1:8080", false],
    ["http://[::1]:8080", false],
    ["null", false],
  ])("from %s is in clear: %s", (origin, is) => expect(isInClear({ headers: { origin } })).toBe(is));
});

describe("tries", () => {
  const limits = { perAddress: 3, perName: 5, withinMs: 60_000 };
  const start = () => {
    const clock = manualClock(0);
    return { clock, tries: createTries(() => clock.monotonic(), limits) };
  };

  it("are held for their address until its time is over, and for nobody else's", () => {
    const { clock, tries } = start();
    for (let each = 0; each < 3; each++) expect(tries.begin("10.0.0.1", `name ${each}`)).toBeNull();
    expect(tries.begin("10.0.0.1", "another")).toBe(60_000);
    expect(tries.begin("10.0.0.2", "another")).toBeNull();
    clock.pass(60_000);
    expect(tries.begin("10.0.0.1", "another")).toBeNull();
  });

  it("are held for their name, wherever they come from and however it is written", () => {
    const { tries } = start();
    for (let each = 0; each < 5; each++) expect(tries.begin(`10.0.1.${each}`, "ada")).toBeNull();
    expect(tries.begin("10.0.2.1", "ADA")).toBe(60_000);
    expect(tries.begin("10.0.2.1", "bob")).toBeNull();
  });

  it("that succeed do not count, and do not forgive those before", () => {
    const { tries } = start();
    for (let each = 0; each < 20; each++) {
      expect(tries.begin("10.0.0.1", "ada")).toBeNull();
      tries.succeeded("10.0.0.1", "ada");
    }
    for (let each = 0; each < 3; each++) expect(tries.begin("10.0.0.1", "ada")).toBeNull();
    expect(tries.begin("10.0.0.1", "ada")).toBe(60_000);
  });
});
