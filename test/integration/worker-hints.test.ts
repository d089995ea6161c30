import { afterAll, beforeAll, expect, it } from "vitest";
import { postsAfter, START } from "../../db/posts.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing, TENANT } from "../support/parsing.ts";

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing();
});
afterAll(() => parsing.close());

it("tells of each page that brought something, once it is committed, with the revision that readers find", async () => {
  const channel = new FakeChannel(77n, "channel_77");
  channel.post(250);
  const user = await parsing.addUser(7n, new FakeTelegram([channel]), [channel.username]);
  let cursor = START;
  const news = async () => {
    const page = await parsing.database.inTenant(TENANT, (tx) =>
      postsAfter(tx, { userId: user.userId }, cursor, 1_000),
    );
    cursor = page.cursor;
    return { posts: page.posts.length, hints: parsing.hinted.splice(0).map(([, revision]) => revision) };
  };

  await parsing.parse(user);
  expect(await news()).toEqual({ posts: 100, hints: [1n] });
  await parsing.backfill(user, channel.id);
  expect(await news()).toEqual({ posts: 150, hints: [2n, 3n] });
  await parsing.parse(user);
  expect(await news()).toEqual({ posts: 0, hints: [] });
  channel.post();
  channel.edit(3, "edited");
  channel.remove(4);
  await parsing.parse(user);
  const last = await news();
  expect(last.posts).toBe(3);
  expect(last.hints).toEqual([cursor.get(channel.id)?.revision]);
});
