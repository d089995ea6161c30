import { expect, it } from "vitest";
import { publishedChannels } from "../../formats/published.ts";
import { parseWorldFile } from "../../formats/world-file.ts";
import { exportBytes, SMALL_EXPORT } from "../support/export-file.ts";
import { post } from "../support/posts.ts";
import { SMALL_TL, TL_CHANNEL, tlMessage } from "../support/tl-file.ts";

const published = (value: unknown) => publishedChannels(parseWorldFile(exportBytes(value), "f.json"));
const channel = { id: BigInt(TL_CHANNEL), title: "News", username: "news", kind: "broadcast" } as const;

it("gives the channels of either format in the same terms", () => {
  const [desktop] = published(SMALL_EXPORT);
  expect([desktop?.id, desktop?.title]).toEqual([1_555_000_111n, SMALL_EXPORT.name]);
  expect(desktop?.messages.map(({ id }) => id)).toEqual([1, 2, 5, 7, 9, 10]);
  const [tl] = published(SMALL_TL);
  expect([tl?.id, tl?.title]).toEqual([channel.id, null]);
  expect(tl?.messages.find(({ id }) => id === 40)?.text).toBe("👨‍👩‍👧‍👦 New: here 🙂");
});

it("names the fields in which what is stored differs, by either format's measure", () => {
  const date = new Date("2024-01-02T00:00:00Z");
  const stored = post({ id: 7, channelId: channel.id, date, text: "post 7" });
  const [tl] = published([tlMessage(7)]);
  expect(tl?.messages[0]?.differences(channel, stored)).toEqual([]);
  expect(tl?.messages[0]?.differences(channel, { ...stored, text: "post 8", silent: true })).toEqual([
    "text",
    "silent",
  ]);
  const message = {
    id: 7,
    type: "message",
    date: "2024-01-02T00:00:00",
    text: "post 7",
    from_id: `channel${channel.id}`,
  };
  const [desktop] = published({ ...SMALL_EXPORT, id: TL_CHANNEL, messages: [message] });
  expect(desktop?.messages[0]?.differences(channel, stored)).toEqual([]);
  expect(desktop?.messages[0]?.differences(channel, { ...stored, text: "post 8" })).toEqual(["text", "text_entities"]);
});
