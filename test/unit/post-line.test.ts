import { expect, test } from "vitest";
import { postLine } from "../../cli/tail/post-line.ts";
import type { StoredMessage } from "../../db/messages.ts";
import { post } from "../support/posts.ts";

const at = new Date("2024-05-06T07:08:09Z");
const line = (given: Partial<StoredMessage>, username: string | null = "news") =>
  postLine(
    { ...post({ id: 7, date: at }), deletedAt: null, statsAt: at, revision: 1n, ...given },
    { username, title: "The News" },
    (_, text) => text,
  );

test.each<[string, Partial<StoredMessage>]>([
  ["the first line", { text: "the first line\nthe second" }],
  ["the first line", { text: "\n\n  the first line\r\nthe second" }],
  ["(edited) text", { text: "text", editDate: at }],
  ["text", { text: "text", editDate: at, editHidden: true }],
  ["(deleted) (edited) (pinned) text", { text: "text", editDate: at, deletedAt: at, pinned: true }],
  ["[pin_message]", { kind: "service", service: { type: "pin_message", messageId: 3 } }],
  ["[dice]", { media: { kind: "dice", emoji: "x", value: 1 } }],
  ["[other?] text", { text: "text", media: { kind: "other", constructorName: "other?" } }],
  ["text", { text: "text", media: { kind: "web_page", url: null, title: null, description: null, siteName: null } }],
  ["a [2Jb c d", { text: "a\u001b[2Jb\u0007c\u202ed" }],
])("says %j", (said, given) => {
  expect(line(given)).toBe(`2024-05-06 07:08:09Z  @news  7  ${said}`);
});

test("names a channel by its title where it has no username, by its id where it is not known", () => {
  expect(line({ text: "a" }, null)).toBe("2024-05-06 07:08:09Z  The News  7  a");
  const stored = { ...post({ id: 7, date: at }), deletedAt: null, statsAt: at, revision: 1n };
  expect(postLine(stored, undefined, (_, text) => text)).toBe("2024-05-06 07:08:09Z  1  7");
});
