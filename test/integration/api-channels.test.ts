import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loseAccess } from "../../db/channels.ts";
import { storeHistory } from "../../db/messages.ts";
import { initDataOf, startApiApp, type TestApi } from "../support/api.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { follow, plantReader } from "../support/following.ts";
import { post } from "../support/posts.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApiApp();
  await api.database.asOwner((tx) => sql`insert into tenants (id, name) values ('other', 'Other')`.execute(tx));
});
afterAll(() => api.close());

const ask = async (telegramId: number, method: "GET" | "POST" | "DELETE", url: string, payload?: object) => {
  const answer = await api.inject({
    ...{ method, url, headers: { authorization: `tma ${initDataOf(telegramId, api.clock.now())}` } },
    ...(payload ? { payload } : {}),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json(), text: answer.body };
};
const store = (channelId: bigint, ids: readonly number[], text = "secret") =>
  api.database.asWorker((tx) =>
    storeHistory(tx, {
      ...{ channelId, ptsAtCall: null, covers: null, readAt: new Date() },
      messages: ids.map((id) => post({ id, channelId, text: `${text} ${id}`, groupedId: 2n ** 62n })),
    }),
  );

interface Page {
  readonly posts: { readonly channel_id: number; readonly id: number; readonly text: string }[];
  readonly after: string;
}
const page = async (telegramId: number, query = "") => {
  const { status, body } = await ask(telegramId, "GET", `/api/posts${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as Page;
};

describe("channels", () => {
  beforeAll(async () => {
    await plantReader(api.database, 901n);
    await plantReader(api.database, 902n);
  });

  it("are added by any of their names, listed, and removed, each for its own user", async () => {
    expect(await ask(901, "GET", "/api/channels")).toMatchObject({ status: 200, body: { channels: [] } });
    const added = { name: "durov", added: true };
    expect(await ask(901, "POST", "/api/channels", { channel: "https://t.me/Durov/12" })).toMatchObject({
      ...{ status: 201, body: added },
    });
    expect(await ask(901, "POST", "/api/channels", { channel: "@durov" })).toMatchObject({
      ...{ status: 200, body: { ...added, added: false } },
    });
    expect((await ask(901, "GET", "/api/channels")).body.channels).toEqual([
      { name: "durov", state: "pending", channel: null, access: null },
    ]);
    expect((await ask(902, "GET", "/api/channels")).body.channels).toEqual([]);
    const removal = `/api/channels?channel=${encodeURIComponent("t.me/durov")}`;
    expect((await ask(902, "DELETE", removal)).status).toBe(404);
    expect(await ask(901, "DELETE", removal)).toMatchObject({ status: 200, body: { ok: true } });
    expect((await ask(901, "DELETE", removal)).status).toBe(404);
  });

  it.each(["", "a", "t.me/+secretInvite", "https://t.me/joinchat/x", "../../etc", "x".repeat(10_000), "a\0b", "😀"])(
    "that are none are refused: %j",
    async (channel) => {
      const answer = await ask(901, "POST", "/api/channels", { channel });
      expect(answer.status).toBe(400);
      expect(answer.body.error.message).not.toContain("secretInvite");
    },
  );

  it("that are looked up show what they are", async () => {
    const userId = await plantReader(api.database, 903n);
    await follow(api.database, userId, 9_030n);
    expect((await ask(903, "GET", "/api/channels")).body.channels).toEqual([
      {
        ...{ name: "9030", state: "active", access: "ok" },
        channel: { id: 9_030, username: "channel_9030", title: "Channel 9030", kind: "broadcast" },
      },
    ]);
  });
});

describe("posts", () => {
  it("come page by page, each once, until there are no more, and go on when there are", async () => {
    const userId = await plantReader(api.database, 911n);
    for (const channelId of [9_110n, 9_111n, 9_112n]) await follow(api.database, userId, channelId);
    const ids = Array.from({ length: 25 }, (_, index) => index + 1);
    for (const channelId of [9_110n, 9_111n, 9_112n]) await store(channelId, ids);
    const seen: string[] = [];
    let after = "";
    for (;;) {
      const got = await page(911, `?limit=7${after && `&after=${after}`}`);
      expect(got.posts.length).toBeLessThanOrEqual(7);
      after = got.after;
      if (got.posts.length === 0) break;
      seen.push(...got.posts.map((one) => `${one.channel_id}/${one.id}`));
    }
    expect(seen).toHaveLength(75);
    expect(new Set(seen).size).toBe(75);
    await store(9_111n, [26]);
    const news = await page(911, `?after=${after}`);
    expect(news.posts).toMatchObject([{ channel_id: 9_111, id: 26, text: "secret 26", grouped_id: String(2n ** 62n) }]);
  });

  it("of one channel leave the others where they are", async () => {
    const userId = await plantReader(api.database, 912n);
    for (const channelId of [9_120n, 9_121n]) {
      await follow(api.database, userId, channelId);
      await store(channelId, [1, 2, 3]);
    }
    const one = await page(912, "?channel=9120&limit=2");
    expect(one.posts.map(({ channel_id, id }) => [channel_id, id])).toEqual([
      [9_120, 1],
      [9_120, 2],
    ]);
    const rest = await page(912, `?channel=@channel_9120&after=${one.after}`);
    expect(rest.posts.map(({ id }) => id)).toEqual([3]);
    const all = await page(912, `?after=${rest.after}`);
    expect(all.posts.map(({ channel_id }) => channel_id)).toEqual([9_121, 9_121, 9_121]);
  });

  it("of a private channel are for those alone whose own account may see them", async () => {
    const PRIVATE = 9_130n;
    const member = await plantReader(api.database, 913n);
    await follow(api.database, member, PRIVATE);
    await store(PRIVATE, [1, 2, 3, 4], "canary");
    expect((await page(913)).posts).toHaveLength(4);
    // Added by its id, never seen by the account: nothing, under any name and any cursor.
    const curious = await plantReader(api.database, 914n);
    await follow(api.database, curious, PRIVATE, { access: false });
    const cursor = (await page(913, "?limit=1")).after;
    // Nothing of it followed at all.
    await plantReader(api.database, 915n);
    // Of another tenant, with access of its own, under the same telegram_id.
    const elsewhere = await plantReader(api.database, 915n, "other");
    await follow(api.database, elsewhere, PRIVATE, { tenantId: "other" });
    // Saw it from the third post on; was thrown out.
    const late = await plantReader(api.database, 916n);
    await follow(api.database, late, PRIVATE, { availableMinId: 3 });
    const former = await plantReader(api.database, 917n);
    await follow(api.database, former, PRIVATE);
    await api.database.asWorker((tx) =>
      loseAccess(tx, { userId: former, channelId: PRIVATE, state: "private", recheckAt: new Date() }),
    );
    for (const query of [
      "",
      "?limit=500",
      `?after=${cursor}`,
      "?channel=9130",
      "?channel=channel_9130",
      "?channel=-1009130",
    ]) {
      for (const telegramId of [914, 915, 917]) {
        const answer = await ask(telegramId, "GET", `/api/posts${query}`);
        expect(answer.text, `${telegramId} ${query}`).not.toContain("canary");
        if (telegramId === 915 && query.startsWith("?channel")) expect(answer.status).toBe(404);
      }
      const seen = await ask(916, "GET", `/api/posts${query}`);
      expect(seen.text).not.toMatch(/canary [12]\b/);
    }
    expect((await page(916)).posts.map(({ id }) => id)).toEqual([3, 4]);
  });

  it("a channel that others read and one that nobody reads are answered the same", async () => {
    await plantReader(api.database, 918n);
    const userId = await plantReader(api.database, 919n);
    await follow(api.database, userId, 9_190n);
    const [known, unknown] = [
      await ask(918, "GET", "/api/posts?channel=channel_9190"),
      await ask(918, "GET", "/api/posts?channel=channel_nobody"),
    ];
    expect([known.status, known.text]).toEqual([404, unknown.text]);
  });

  it.each([
    ["?after=canary", "malformed_cursor"],
    [`?after=1.${"f".repeat(16)}-1`, "malformed_cursor"],
    ["?limit=0", "invalid_request"],
    ["?limit=501", "invalid_request"],
    ["?limit=ten", "invalid_request"],
    ["?more=1", "invalid_request"],
    ["?channel=a", "malformed_channel"],
    ["?channel=a&channel=b", "invalid_request"],
  ])("%s is refused", async (query, code) => {
    await plantReader(api.database, 918n);
    const answer = await ask(918, "GET", `/api/posts${query}`);
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });
});

describe("a parse at will", () => {
  it("makes the caller due and nobody else, once, and at most once a minute", async () => {
    const mine = await plantUser(api.database, 921n);
    const theirs = await plantUser(api.database, 922n);
    const ahead = new Date(api.clock.now() + 3_600_000);
    await api.database.asOwner((tx) => tx.updateTable("schedules").set({ next_parse_at: ahead }).execute());
    const nextOf = async (userId: bigint) =>
      (
        await api.database.asOwner((tx) =>
          tx.selectFrom("schedules").selectAll().where("user_id", "=", userId).executeTakeFirst(),
        )
      )?.next_parse_at ?? ahead;
    const asked = await ask(921, "POST", "/api/parse");
    expect(asked).toMatchObject({ status: 202, body: { status: "due" } });
    expect((await nextOf(mine.user.id)).getTime()).toBeLessThan(ahead.getTime());
    expect(await nextOf(theirs.user.id)).toEqual(ahead);
    const mark = (columns: object) =>
      api.database.asOwner((tx) =>
        tx.updateTable("schedules").set(columns).where("user_id", "=", mine.user.id).execute(),
      );
    await mark({ claimed_at: new Date(api.clock.now()) });
    expect(await ask(921, "POST", "/api/parse")).toMatchObject({ status: 202, body: { status: "under_way" } });
    await mark({ claimed_at: null, last_started_at: new Date(api.clock.now() - 20_000), next_parse_at: ahead });
    const soon = await ask(921, "POST", "/api/parse");
    expect(soon).toMatchObject({ status: 429, headers: { "retry-after": "40" } });
    expect(await nextOf(mine.user.id)).toEqual(ahead);
    await mark({ last_started_at: new Date(api.clock.now() - 60_000) });
    expect((await ask(921, "POST", "/api/parse")).body).toEqual({ status: "due" });
  });

  it("is refused to whoever cannot be parsed", async () => {
    await plantReader(api.database, 923n);
    const answer = await ask(923, "POST", "/api/parse");
    expect([answer.status, answer.body.error.code]).toEqual([409, "not_parsable"]);
  });
});
