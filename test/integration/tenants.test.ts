import type { InjectOptions } from "fastify";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createWebSession } from "../../db/web-sessions.ts";
import { startApiApp, type TestApi } from "../support/api.ts";
import { databaseText } from "../support/canary.ts";
import { runHere } from "../support/run-here.ts";
import { testRedis } from "../support/services.ts";
import { OF_B, type Planted, plantTwoTenants } from "../support/two-tenants.ts";

/*
 * Tenant A may do what it likes: it is shown nothing of tenant B, and B is as before. Every route with every method, as
 * A's program and as A's user, with B's ids wherever an id is asked for; and every command that reads.
 */

let api: TestApi;
let a: Planted;
let b: Planted;
let before: readonly string[];
let marks: readonly string[];

beforeAll(async () => {
  api = await startApiApp();
  ({ a, b } = await plantTwoTenants(api.database));
  marks = [OF_B, b.tenantId, b.telegramId, b.channelId].map(String);
});
beforeEach(async () => {
  before = await rowsOfB();
});
afterAll(() => api?.close());

/** Every row that speaks of B, in whatever table. */
async function rowsOfB(): Promise<string[]> {
  const rows = (await databaseText(api.database)).split("\n");
  return rows.filter((row) => row.includes(b.tenantId) || row.includes(OF_B)).sort();
}

const expectNothingOfB = (shown: string, what: string, asked = "") => {
  for (const mark of marks) {
    // What was asked for may be said back.
    if (!asked.includes(mark)) expect(shown, `${what}: ${mark}`).not.toContain(mark);
  }
};

describe("every route", () => {
  const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

  it("shows A nothing of B, and leaves B as it was", { timeout: 120_000 }, async () => {
    const { token } = await api.database.inTenant(a.tenantId, (tx) => createWebSession(tx, a));
    const callers: Record<string, string>[] = [
      await api.bearer(a.tenantId),
      { cookie: `auth_token=${token}`, "sec-fetch-site": "same-origin" },
    ];
    const bodies: (object | undefined)[] = [
      undefined,
      { channel: String(b.channelId), tenant_id: b.tenantId, user_id: String(b.userId) },
      { phone: `+${b.telegramId}`, phone_number: String(b.telegramId), telegram_id: String(b.telegramId) },
    ];
    const query = `?channel=${b.channelId}&user_id=${b.userId}&tenant_id=${b.tenantId}&limit=100`;
    let answered = 0;
    const statuses = new Set<number>();
    const paths = new Set([...api.app.accessOf.keys()].map((route) => route.replace(/^\S+ /, "")));
    for (const path of paths) {
      // Those of this machine's operator, who may see all of it.
      if (path.startsWith("/queues")) continue;
      for (const tenant of path.includes(":account_id") ? [a.tenantId, b.tenantId] : [a.tenantId]) {
        const url = path.replace(":account_id", tenant).replaceAll(/:\w+/g, "1").replace("*", "x");
        for (const method of METHODS) {
          for (const headers of callers) {
            for (const payload of method === "GET" ? [undefined] : bodies) {
              for (const more of ["", query]) {
                const question: InjectOptions = {
                  method,
                  url: `${url}${more}`,
                  headers,
                  ...(payload ? { payload } : {}),
                };
                const answer = await api.inject(question);
                statuses.add(answer.statusCode);
                answered += 1;
                const asked = `${question.url} ${JSON.stringify(payload ?? "")}`;
                expectNothingOfB(answer.body, `${method} ${question.url}`, asked);
                if (url.includes(b.tenantId))
                  expect([400, 401, 403, 404], `${method} ${url}`).toContain(answer.statusCode);
              }
            }
          }
        }
      }
    }
    expect(paths.size).toBeGreaterThan(20);
    expect(answered).toBeGreaterThan(1_000);
    expect([...statuses]).toContain(200);
    expect(await rowsOfB()).toEqual(before);
  });

  it("shows A its own", async () => {
    const { token } = await api.database.inTenant(a.tenantId, (tx) => createWebSession(tx, a));
    const posts = await api.inject({ url: "/api/posts?limit=100", headers: { cookie: `auth_token=${token}` } });
    expect(posts.json().posts.map(({ text }: { text: string }) => text)).toEqual(["canary-of-tenant-a", "for both"]);
  });
});

describe("commands", () => {
  const run = (...args: string[]) => {
    const { url, prefix } = testRedis();
    return runHere(args, { env: { DATABASE_URL: api.databaseUrl, REDIS_URL: url, REDIS_PREFIX: prefix } });
  };
  const LISTS = ["users list", "channels list", "sessions list", "waits", "tokens list", "invites list"];

  it.each(LISTS)("%s is of one tenant, or of all of them where that is asked for", async (list) => {
    for (const more of [[], ["--json"]]) {
      const one = await run(...list.split(" "), "--tenant-id", a.tenantId, ...more);
      expect(one.stderr, list).toBe("");
      expectNothingOfB(one.stdout, list);
      const all = await run(...list.split(" "), "--all-tenants", ...more);
      for (const tenant of [a, b]) expect(all.stdout, list).toContain(tenant.tenantId);
      expect(one.stdout.length).toBeGreaterThan(10);
      expect((await run(...list.split(" "), ...more)).stdout).not.toContain("canary");
    }
    const both = await run(...list.split(" "), "--all-tenants", "--tenant-id", a.tenantId);
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("cannot be used with")]);
  });

  it.each([
    ["channels", "list"],
    ["channels", "add", "@another"],
    ["channels", "remove", "@another"],
    ["sessions", "status"],
    ["sessions", "release"],
    ["users", "plan", "premium"],
    ["users", "pause"],
    ["users", "resume"],
    ["users", "delete", "--yes"],
    ["sessions", "revoke", "--yes"],
    ["parse"],
    ["tail", "--no-follow"],
  ])("%s %s knows no user of another tenant", async (...words) => {
    const at = words[0] === "parse" || words[0] === "tail" ? 1 : 2;
    const args = [...words.slice(0, at), String(b.telegramId), ...words.slice(at)];
    const refused = await run(...args, "--tenant-id", a.tenantId);
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toContain(`no user ${b.telegramId} here`);
    expect(await rowsOfB()).toEqual(before);
  });

  it("add a tenant, list it, and say how long its messages are kept", async () => {
    expect((await run("tenants", "add", "acme", "--name", "Acme Ltd", "--keep-days", "30")).stdout).toMatch(
      /^added acme;/,
    );
    expect((await run("tenants", "add", "acme")).stderr).toContain("there is a tenant acme already");
    expect((await run("tenants", "add", "ACME")).code).toBe(2);
    const keptFor = async () =>
      JSON.parse((await run("tenants", "list", "--json")).stdout).find(({ id }: { id: string }) => id === "acme");
    expect(await keptFor()).toMatchObject({ name: "Acme Ltd", messagesKeptDays: 30 });
    await run("tenants", "keep", "acme", "for ever");
    expect(await keptFor()).toMatchObject({ messagesKeptDays: null });
    expect((await run("tenants", "keep", "nobody", "3")).stderr).toContain("there is no tenant nobody");
    const added = await run("users", "add", "77", "--tenant-id", "acme");
    expect(added.stdout).toMatch(/^added 77/);
    expect((await run("users", "list", "--tenant-id", "acme", "--json")).stdout).toContain("77");
    const none = await run("users", "list", "--tenant-id", "nobody");
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there is no tenant "nobody"')]);
    await api.database.asOwner((tx) => sql`delete from users where tenant_id = 'acme'`.execute(tx));
  });
});
