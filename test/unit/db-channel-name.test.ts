import { describe, expect, it } from "vitest";
import { normaliseChannelName } from "../../db/channel-name.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

describe("channel names", () => {
  it.each([
    ["@Durov", "durov"],
    ["Durov", "durov"],
    [" durov ", "durov"],
    ["https://t.me/Durov", "durov"],
    ["http://www.t.me/durov/", "durov"],
    ["t.me/s/durov", "durov"],
    ["telegram.me/durov?before=5", "durov"],
    ["https://t.me/durov/123", "durov"],
    ["https://t.me/s/durov/123#comment", "durov"],
    ["tg://resolve?domain=Durov&post=4", "durov"],
    ["https://t.me/c/1234567890/55", "1234567890"],
    ["-1001234567890", "1234567890"],
    ["1234567890", "1234567890"],
  ])("%s is %s", (given, stored) => {
    expect(normaliseChannelName(given)).toBe(stored);
    expect(normaliseChannelName(stored)).toBe(stored);
  });

  it.each([
    "",
    "@",
    "a b",
    "имя",
    "-123",
    "0",
    "-1000",
    "https://example.com/durov",
    "t.me/",
    "t.me/c/x",
    "9".repeat(19),
  ])("refuses %j as malformed", (given) => {
    expect(() => normaliseChannelName(given)).toThrow(OperatorError);
    expect(() => normaliseChannelName(given)).toThrow(/malformed/);
  });

  it.each(["https://t.me/+AbCdEf", "t.me/joinchat/AbCdEf", "+AbCdEf"])("refuses the invite link %s", (given) => {
    expect(() => normaliseChannelName(given)).toThrow(/invite link/);
  });
});
