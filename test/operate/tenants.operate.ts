import { sql } from "kysely";
import { expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { createWebSession } from "../../db/web-sessions.ts";
import { silentLog } from "../../runtime/log.ts";
import { startApiApp } from "../support/api.ts";
import { testDatabase } from "../support/services.ts";
import { plantTwoTenants } from "../support/two-tenants.ts";

const REQUESTS = 10_000;

/** Of the same kind as `integration/tenants`, but many at once on a pool of one connection: what is left on it would show. */
it(`${REQUESTS} requests of two tenants over one connection show each its own`, { timeout: 300_000 }, async () => {
  const home = await testDatabase();
  const one = openDatabase({ url: home.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
  const api = await startApiApp({ databaseUrl: home.url, through: () => one });
  try {
    const { a, b } = await plantTwoTenants(one);
    const callers = await Promise.all(
      [a, b].map(async (who) => {
        const { token } = await one.inTenant(who.tenantId, (tx) => createWebSession(tx, who));
        return { cookie: `auth_token=${token}`, "sec-fetch-site": "same-origin" };
      }),
    );
    const marks = ["canary-of-tenant-a", "canary-of-tenant-b"] as const;
    const urls = [
      "/api/posts?limit=10",
      "/api/channels",
      "/api/me",
      "/api/sessions",
      "/api/posts?limit=0",
      "/api/nothing",
    ];
    let own = 0;
    for (let at = 0; at < REQUESTS; at += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const who = (at + index * 7) % 2;
          const answer = await api.inject({
            url: urls[(at + index) % urls.length] ?? "/",
            headers: callers[who] ?? {},
          });
          return { who, body: answer.body };
        }),
      );
      for (const { who, body } of answers) {
        expect(body).not.toContain(marks[1 - who]);
        own += Number(body.includes(marks[who] ?? "?"));
      }
    }
    expect(own).toBeGreaterThan(REQUESTS / 4);
    expect(one.load().most).toBe(1);
    // Raw SQL on what is left of that connection: nobody's.
    const rows = await one.asApp((tx) => sql`select 1 from users union all select 1 from messages`.execute(tx));
    expect(rows.rows).toEqual([]);
  } finally {
    await api.close();
    await one.close();
    await home.drop();
  }
});
