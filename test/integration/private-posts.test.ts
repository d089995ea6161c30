import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { InjectOptions } from "fastify";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createBoard } from "../../api/board/bull-board.ts";
import { fleetStatus } from "../../api/status.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { toJson } from "../../cli/output.ts";
import type { TenantTx } from "../../db/database.ts";
import * as posts from "../../db/posts.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { initDataOf, startApiApp, type TestApi } from "../support/api.ts";
import { startParsing, TENANT, type TestUser } from "../support/parsing.ts";
import { testRedis } from "../support/services.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/*
 * A post of a private channel is for those alone whose own account may read it. Every view, route, command and
 * function that reads posts is tried for people who may not; one that is new must be put into a table here.
 */

/** In every post of the private channel, its older versions and deleted posts among them. */
const PRIVATE = "canary-of-the-private-channel";
/** In every post of the group from before the late one joined. */
const EARLIER = "canary-of-the-earlier-posts";
const OPEN = "for everybody";
const JOINED_AT = 6;

/** Who may not see what. */
const PEOPLE = {
  member: { forbidden: [] },
  stranger: { forbidden: [PRIVATE, EARLIER] },
  left: { forbidden: [PRIVATE, EARLIER] },
  late: { forbidden: [PRIVATE, EARLIER] },
} as const;
type Person = keyof typeof PEOPLE;
const OTHERS = (Object.keys(PEOPLE) as Person[]).filter((person) => person !== "member");

let telegram: WireTelegram;
let parsing: Awaited<ReturnType<typeof startParsing>>;
let secret: WorldChannel;
let group: WorldChannel;
let open: WorldChannel;
const users = new Map<Person, TestUser>();
const connections: TelegramConnection[] = [];
const dir = mkdtempSync(join(tmpdir(), "gramfleet-private-"));
const userOf = (person: Person) => users.get(person) as TestUser;

beforeAll(async () => {
  [telegram, parsing] = await Promise.all([startWireTelegram(), startParsing()]);
  const { world } = telegram;
  const channel = (id: bigint, username: string | null, megagroup: boolean) =>
    world.addChannel({ id, title: `Channel ${id}`, username, megagroup, date: 1, isPrivate: username === null });
  secret = channel(1_500_000_001n, null, false);
  group = channel(1_500_000_002n, null, true);
  open = channel(1_500_000_003n, "open_channel", false);
  const publish = (to: WorldChannel, texts: readonly string[]) => {
    for (const text of texts) world.post(to.id, plainPost(text, 1_700_000_000 + to.topId));
  };
  publish(secret, Array(8).fill(PRIVATE));
  publish(group, [...Array(JOINED_AT - 1).fill(EARLIER), ...Array(4).fill(OPEN)]);
  publish(open, Array(3).fill(OPEN));

  const follow = async (person: Person, id: bigint, joins: readonly WorldChannel[], names: readonly string[]) => {
    const phone = `999662${String(connections.length).padStart(4, "0")}`;
    world.addUser({ id, phone, firstName: "Ada", username: null, dcId: 2, premium: false, password: null });
    for (const one of joins) world.join(id, one.id);
    const connection = await connect(telegram.options(await telegram.planted(id)));
    connections.push(connection);
    users.set(person, await parsing.addUser(id, connection.api, names));
  };
  const ids = [`${secret.id}`, `${group.id}`];
  await follow("member", 6_000_000_001n, [secret, group, open], [...ids, "open_channel"]);
  // By every name that one could try.
  const tries = [`-100${secret.id}`, `https://t.me/c/${secret.id}/3`, "channel_1500000001"];
  await follow("stranger", 6_000_000_002n, [open], [...ids, ...tries, "open_channel"]);
  await follow("left", 6_000_000_003n, [secret, group, open], [...ids, "open_channel"]);
  await follow("late", 6_000_000_004n, [group, open], [...ids, "open_channel"]);
  group.availableMinId.set(6_000_000_004n, JOINED_AT);

  for (const person of users.values()) await parsing.parse(person);
  for (const one of [secret, group, open]) await parsing.backfill(userOf("member"), one.id);
  world.edit(secret.id, 2, { message: `${PRIVATE}, edited` });
  world.remove(secret.id, [3]);
  world.leave(6_000_000_003n, secret.id);
  world.leave(6_000_000_003n, group.id);
  for (const person of users.values()) await parsing.parse(person);
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await parsing?.close();
  await telegram?.close();
  rmSync(dir, { recursive: true, force: true });
});

const inTenant = <T>(work: (tx: TenantTx) => Promise<T>, tenant = TENANT) => parsing.database.inTenant(tenant, work);
const count = (text: string, canary: string) => text.split(canary).length - 1;

/** None of what this person may not see; what is for everybody, where the member's answer has it. */
function expectNothingForbidden(person: Person, shown: string, member: string): void {
  for (const canary of PEOPLE[person].forbidden) expect(count(shown, canary), `${person}: ${canary}`).toBe(0);
  if (member.includes(OPEN)) expect(shown).toContain(OPEN);
}

/** What it shows the member, who sees all, and then each of the others: of all channels, or of one alone. */
async function compare(show: (user: TestUser) => Promise<string>, of: "all" | "one" = "all"): Promise<string> {
  const member = await show(userOf("member"));
  for (const person of OTHERS) expectNothingForbidden(person, await show(userOf(person)), of === "all" ? member : "");
  return member;
}

it("is stored with its versions and deletions, so that there is something to be seen", async () => {
  expect(await parsing.rows(secret.id)).toHaveLength(8);
  expect((await parsing.rows(secret.id)).filter(({ deleted, versions }) => deleted || versions > 0)).toHaveLength(2);
  expect(await parsing.rows(group.id)).toHaveLength(9);
});

describe("views", () => {
  it("show a user only what the user's own account may read", async () => {
    const { rows: views } = await inTenant((tx) =>
      sql<{ name: string; byUser: boolean }>`
        select c.relname as name, exists (
          select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id'
        ) as "byUser"
        from pg_class c
        where c.relkind in ('v', 'm') and c.relnamespace not in (
          select oid from pg_namespace where nspname = 'information_schema' or nspname like 'pg\\_%'
        )`.execute(tx),
    );
    expect(views.map(({ name }) => name)).toContain("user_posts");
    for (const { name, byUser } of views) {
      expect(byUser, `${name} does not say whose its rows are`).toBe(true);
      const shown = await compare((user) =>
        inTenant(async (tx) => {
          const { rows } = await sql`select * from ${sql.ref(name)} where user_id = ${user.userId}`.execute(tx);
          return toJson(rows);
        }),
      );
      if (name === "user_posts") expect(count(shown, PRIVATE)).toBe(8);
    }
  });
});

/** How each function of `db/posts` is tried; null: it reads nothing. */
const FUNCTIONS: {
  readonly [Name in keyof typeof posts]: ((tx: TenantTx, userId: bigint) => Promise<unknown>) | null;
} = {
  postsAfter: (tx, userId) => posts.postsAfter(tx, { userId }, posts.START, 1_000),
  postsAfterQuery: (tx, userId) => posts.postsAfterQuery(userId, posts.START, 1_000).execute(tx),
  latestPosts: (tx, userId) => posts.latestPosts(tx, userId, 1_000),
  afterPost: null,
  CursorMalformed: null,
  decodeCursor: null,
  encodeCursor: null,
  START: null,
};

describe("functions that read posts", () => {
  it.each(Object.keys(posts) as (keyof typeof posts)[])("%s", async (name) => {
    const read = FUNCTIONS[name];
    expect(read, `${name} is not in the table above`).not.toBeUndefined();
    if (!read) return;
    const shown = await compare(({ userId }) => inTenant(async (tx) => toJson(await read(tx, userId))));
    expect(count(shown, PRIVATE)).toBeGreaterThan(0);
    const elsewhere = await inTenant(async (tx) => toJson(await read(tx, userOf("member").userId)), "another");
    expect(count(elsewhere, PRIVATE)).toBe(0);
  });

  it("go on behind a cursor that knows the channel already", async () => {
    const { cursor } = await inTenant((tx) => posts.postsAfter(tx, userOf("member"), posts.START, 3));
    await compare(({ userId }) =>
      inTenant(async (tx) => {
        const { posts: shown } = await posts.postsAfter(tx, { userId }, cursor, 1_000);
        // Whatever cursor somebody brings: a page of theirs may also be empty.
        return toJson(shown.length > 0 ? shown : OPEN);
      }),
    );
  });
});

/** What a route is asked, or why it is not tried. */
type Asked = readonly Omit<InjectOptions, "method" | "headers">[] | { readonly notTried: string };

const named = (name: string) => encodeURIComponent(name);
/** The queues' board: here it takes everybody for whoever is at this machine, who may see all of it. Jobs hold ids. */
const BOARD = [
  ...["GET /queues", "GET /queues/account", "GET /queues/static/*", "GET /queues/sign-in.css"],
  ...["GET /queues/sign-in", "POST /queues/sign-in", "POST /queues/sign-out"],
  ...createBoard().pages.map((url) => `GET /queues${url}`),
  ...createBoard().routes.map(({ method, url }) => `${method} /queues${url}`),
];
const ROUTES: Readonly<Record<string, () => Asked>> = {
  ...Object.fromEntries(
    BOARD.map((route) => [route, () => [{ url: route.replace(/^\S+ /, "").replaceAll(/:\w+/g, "1") }]]),
  ),
  "GET /api/posts": () => [
    { url: "/api/posts?limit=500" },
    { url: `/api/posts?limit=500&after=${posts.encodeCursor(posts.START)}` },
    ...[`${secret.id}`, `-100${secret.id}`, `https://t.me/c/${secret.id}/3`, `${group.id}`].map((name) => ({
      url: `/api/posts?limit=500&channel=${named(name)}`,
    })),
  ],
  "GET /api/channels": () => [{ url: "/api/channels" }],
  "POST /api/channels": () => [{ url: "/api/channels", payload: { channel: `${secret.id}` } }],
  "DELETE /api/channels": () => [{ url: "/api/channels?channel=nobody_has_this" }],
  "GET /api/me": () => [{ url: "/api/me" }],
  // By nobody: whoever asks for it follows no channel any more.
  "DELETE /api/me": () => [],
  "GET /api/sessions": () => [{ url: "/api/sessions" }],
  "GET /api/status": () => [{ url: "/api/status" }],
  "GET /api/terms": () => [{ url: "/api/terms" }],
  "POST /api/parse": () => [{ url: "/api/parse", payload: {} }],
  "GET /docs": () => [{ url: "/docs" }],
  "POST /api/login/telegram": () => [{ url: "/api/login/telegram", payload: {} }],
  "POST /api/login/code": () => [{ url: "/api/login/code", payload: { phone: "+1" } }],
  "POST /api/login/code/resend": () => [{ url: "/api/login/code/resend", payload: { ticket: "nobodys" } }],
  "POST /api/login/code/verify": () => [{ url: "/api/login/code/verify", payload: { ticket: "nobodys", code: "1" } }],
  "POST /api/logout": () => [{ url: "/api/logout", payload: {} }],
  "POST /api/qr/start": () => [{ url: "/api/qr/start", payload: {} }],
  "GET /api/qr/status": () => [{ url: "/api/qr/status?ticket=nobodys" }],
  "POST /api/qr/password": () => [{ url: "/api/qr/password", payload: { ticket: "nobodys", password: "none" } }],
  "GET /qr-auth": () => [{ url: "/qr-auth?session_id=nobodys" }],
  "GET /qr-auth/assets/:name": () => [{ url: "/qr-auth/assets/script.js" }],
  "GET /qr-auth-status": () => [{ url: "/qr-auth-status?session_id=nobodys" }],
  "POST /qr-auth/password": () => [{ url: "/qr-auth/password", payload: { session_id: "nobodys" } }],
  "POST /qr-auth/renew": () => [{ url: "/qr-auth/renew", payload: { session_id: "nobodys" } }],
  ...Object.fromEntries(
    [
      ["GET", ""],
      ["POST", "", { phone_number: "99966110001" }],
      ["GET", "/:id"],
      ["DELETE", "/:id"],
      ["POST", "/:id/send_code"],
      ["POST", "/:id/verify_code", { code: "1" }],
      ["POST", "/:id/verify_password", { password: "none" }],
    ].map(([method, path, payload]) => {
      const url = `/api/v1/accounts/:account_id/channels/telegram_accounts${path}`;
      const asked = { url: url.replace(":account_id", TENANT).replace(":id", "999"), ...(payload ? { payload } : {}) };
      return [`${method} ${url}`, () => [asked as Omit<InjectOptions, "method" | "headers">]];
    }),
  ),
  "POST /api/qr/callback": () => ({ notTried: "takes the signed reports of a bot about logins; reads no channel" }),
};

describe("routes", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApiApp({ through: () => parsing.database });
  });
  afterAll(() => api?.close());

  it("are all in the table", () => {
    expect([...api.app.accessOf.keys()].sort()).toEqual(Object.keys(ROUTES).sort());
  });

  it.each(Object.keys(ROUTES))("%s", async (route) => {
    const asked = ROUTES[route]?.() ?? [];
    if ("notTried" in asked) return;
    const method = route.split(" ")[0] as "GET";
    const program = await api.bearer();
    for (const question of asked) {
      const ask = async (headers: Record<string, string>) => (await api.inject({ ...question, method, headers })).body;
      const member = await compare(
        ({ telegramId }) => ask({ authorization: `tma ${initDataOf(Number(telegramId), api.clock.now())}` }),
        question.url?.toString().includes("channel=") ? "one" : "all",
      );
      if (route === "GET /api/posts" && !question.url?.toString().includes(`${group.id}`))
        expect(count(member, PRIVATE)).toBe(8);
      for (const shown of [await ask(program), await ask({})]) {
        expect(count(shown, PRIVATE), "without a user").toBe(0);
        expect(count(shown, EARLIER), "without a user").toBe(0);
      }
    }
  });

  it("of the metrics port show counts alone", async () => {
    const producer = { queueCounts: async () => [] };
    const status = await fleetStatus({ database: parsing.database, producer, lateMs: 1_000 });
    const shown = `${toJson(status)}${await parsing.metrics.registry.metrics()}`;
    expect(shown).toContain("schedulable");
    for (const canary of [PRIVATE, EARLIER]) expect(count(shown, canary)).toBe(0);
  });
});

/** How a command is tried: as each of the people. What it says is looked at, to both streams. */
type Try = { readonly runs: (telegramId: string) => readonly (readonly string[])[] };
/** A command that may show everything, and why. */
type Allowed = { readonly showsAll: string; readonly runs: () => readonly (readonly string[])[] };
/** A command that is not tried, and why it shows no post. */
type NotTried = { readonly notTried: string };

const both = (...args: readonly string[]) => [args, [...args, "--json"]];
const exported = join(dir, "export.json");
const altered = join(dir, "altered.json");
/** In the order in which they are tried. */
const TRIED: Readonly<Record<string, Try | Allowed | NotTried>> = {
  tail: {
    runs: (id) => [
      ...both(id, "--no-follow", "--from-start"),
      ...both(id, "--no-follow", "--limit", "100"),
      ...both(id, "--no-follow", "--since", posts.encodeCursor(posts.START)),
    ],
  },
  "channels list": { runs: (id) => [...both(id), ...both(), ...both("--gaps")] },
  "channels add": { runs: (id) => both(id, `${secret.id}`) },
  "users list": { runs: () => both() },
  "users add": { runs: (id) => both(id) },
  "users plan": { runs: (id) => both(id, "premium") },
  "users consents": { runs: (id) => both(id) },
  "users pause": { runs: (id) => both(id) },
  "users resume": { runs: (id) => both(id) },
  "sessions list": { runs: () => both() },
  "sessions status": { runs: (id) => both(id) },
  "sessions release": { runs: (id) => both(id) },
  "api-ids list": { runs: () => both() },
  "api-ids drain": { runs: () => both("1001") },
  "api-ids retire": { runs: () => both("1001") },
  "api-ids resume": { runs: () => both("1001") },
  parse: { runs: (id) => both(id) },
  "queue status": { runs: () => both() },
  "queue pause": { runs: () => both("--all") },
  "queue resume": { runs: () => both("--all") },
  "queue retry": { runs: () => both("--all") },
  "queue drain": { runs: () => both("--all", "--yes") },
  health: { runs: () => both() },
  "invites create": { runs: () => both() },
  "invites list": { runs: () => both() },
  "invites revoke": { runs: () => both("1") },
  "tenants list": { runs: () => both() },
  "tenants add": { runs: (id) => both(`tenant-${id}`) },
  "tenants keep": { runs: () => both("default", "for ever") },
  "tokens create": { runs: (id) => both(`token-of-${id}`) },
  "tokens list": { runs: () => both() },
  "tokens revoke": { runs: () => both("1") },
  waits: { runs: () => both() },
  migrate: { runs: () => [[]] },
  "admin hash-password": { notTried: "hashes a password; opens no database" },
  export: {
    showsAll: "the operator's: all that is stored of a channel, which is the operator's to keep; no user calls it",
    runs: () => [[`${secret.id}`], [`${secret.id}`, "--format", "jsonl"], [`${secret.id}`, "--out", exported]],
  },
  // The operator's as well, but it has no need to show texts: it names what differs by id and field.
  verify: { runs: () => both("--world", altered) },
  "channels remove": { runs: (id) => both(id, `${secret.id}`) },
  "users delete": { runs: (id) => both(id, "--yes", "--force", "--timeout", "1") },
  "sessions unpark": { notTried: "lifts a hold; reads no channel" },
  "backup create": { notTried: "writes sealed sessions and names of channels; reads no posts" },
  "backup list": { notTried: "reads headers of files" },
  "backup verify": { notTried: "reads archives, which hold no posts" },
  "backup restore": { notTried: "writes sessions and names of channels; reads no posts" },
  "backup prune": { notTried: "deletes files" },
  adopt: { notTried: "says whose a database is; reads no channel" },
  retire: { notTried: "ends the use of sessions; reads no channel" },
  "sessions revoke": { notTried: "logs a session out; reads no channel" },
  "sessions rotate-keys": { notTried: "wraps keys anew; reads no channel" },
  "sessions qr-login": { notTried: "makes a session, at a terminal; reads no channel" },
  "sessions import": { notTried: "makes a session, of a key that its owner brings; reads no channel" },
  "sessions export": { notTried: "hands out a session's key, and nothing else; reads no channel" },
  "sessions discover": { notTried: "reads files that its caller names; reads no channel" },
  "sessions finalize": { notTried: "ends logins; reads no channel" },
  completion: { notTried: "prints a script that is the same for everybody" },
  "sessions login": { notTried: "makes a session, at a terminal; reads no channel" },
  up: { notTried: "runs processes; prints counts" },
  scheduler: { notTried: "runs for good; prints its log" },
  worker: { notTried: "runs for good; prints its log" },
  api: { notTried: "runs for good; what it serves is tried route by route" },
  bot: { notTried: "runs for good; tells people of their own channels by name and state, of nobody's posts" },
  emulator: { notTried: "an emulated Telegram, not what is stored" },
};

describe("commands", () => {
  it("are all in the table", async () => {
    expect((await everyCommand()).filter((name) => !(name in TRIED))).toEqual([]);
  });

  it("show nobody what is not for them", async () => {
    const redis = testRedis();
    vi.stubEnv("DATABASE_URL", parsing.url);
    vi.stubEnv("REDIS_URL", redis.url);
    vi.stubEnv("REDIS_PREFIX", redis.prefix);
    const there = await everyCommand();
    try {
      for (const [name, tried] of Object.entries(TRIED)) {
        if ("notTried" in tried || !there.includes(name)) continue;
        if ("showsAll" in tried) {
          const shown = await runAll(name, tried.runs());
          expect(count(shown, PRIVATE), name).toBeGreaterThan(0);
          continue;
        }
        if (name === "verify")
          writeFileSync(altered, readFileSync(exported, "utf8").replaceAll(PRIVATE, "something else"));
        const ran = new Map<string, string>();
        for (const person of OTHERS) {
          const runs = tried.runs(userOf(person).telegramId.toString());
          // What is said to everybody alike is asked once.
          const shown = ran.get(JSON.stringify(runs)) ?? (await runAll(name, runs));
          ran.set(JSON.stringify(runs), shown);
          expect(shown, name).not.toBe("");
          expectNothingForbidden(person, shown, name === "tail" ? OPEN : "");
        }
      }
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

async function everyCommand(): Promise<string[]> {
  const commands = await Promise.all(Object.values(COMMANDS).map(({ load }) => load()));
  return commands.flatMap((command) => leaves(command));
}

function leaves(command: Command, path = command.name()): string[] {
  if (command.commands.length === 0) return [path];
  return command.commands.flatMap((below) => leaves(below, `${path} ${below.name()}`));
}

/** Runs a command in this process, once for each list of arguments; gives all that it said, errors too. */
async function runAll(name: string, runs: readonly (readonly string[])[]): Promise<string> {
  let said = "";
  const listen = (chunk: unknown) => {
    said += String(chunk);
    return true;
  };
  const streams = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation(listen),
  );
  const { exitCode } = process;
  try {
    for (const args of runs) {
      const [first = "", ...below] = name.split(" ");
      const command = await COMMANDS[first]?.load();
      await command?.parseAsync([...below, ...args, "--data-dir", dir], { from: "user" }).catch((error: unknown) => {
        said += `${error instanceof Error ? error.stack : String(error)}\n`;
      });
    }
  } finally {
    for (const stream of streams) stream.mockRestore();
    process.exitCode = exitCode;
  }
  return said;
}
