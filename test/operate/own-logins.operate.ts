import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { BackupTx, TenantTx } from "../../db/database.ts";
import { listTenants } from "../../db/tenants.ts";
import { postgresUrl, SUPERUSER } from "../../embedded/postgres.ts";
import { silentLog } from "../../runtime/log.ts";
import { testDatabase } from "../support/services.ts";
import { startJudgedFleet } from "./support/judged-fleet.ts";

/* A login for every process, as docs/security.md has them: what a process may not do, its login may not either. */

const suffix = randomBytes(4).toString("hex");
const LOGINS = {
  api: { name: `api_${suffix}`, of: "gramfleet_app" },
  worker: { name: `worker_${suffix}`, of: "gramfleet_worker" },
  admin: { name: `admin_${suffix}`, of: "gramfleet_owner, gramfleet_app, gramfleet_worker, gramfleet_backup" },
};

async function asSuperuser(statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl(inject("postgresSocket"), "postgres", SUPERUSER) });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** The same database by another login. */
function by(login: keyof typeof LOGINS, url: string): string {
  const other = new URL(url);
  other.username = LOGINS[login].name;
  return other.href;
}

beforeAll(() => asSuperuser(Object.values(LOGINS).map(({ name, of }) => `create role ${name} login in role ${of}`)));
afterAll(() => asSuperuser(Object.values(LOGINS).map(({ name }) => `drop role ${name}`)));

it("a scheduler and workers with the worker's login alone parse, and store all of it once", async () => {
  const fleet = await startJudgedFleet({
    world: { users: 20, channels: 8, postsPerMinute: 120, answerMs: [1, 5] },
    workers: 2,
    databaseUrls: (url) => ({ DATABASE_URL: "", DATABASE_URL_WORKER: by("worker", url) }),
  });
  try {
    await fleet.parseEverybody();
    await fleet.complete();
    expect(await fleet.verdict()).toEqual([]);
  } finally {
    await fleet.close();
  }
});

it("each login may act as its own role and no other", async () => {
  const home = await testDatabase();
  const options = { poolSize: 2, fencedStatementMs: 5_000, log: silentLog };
  const apart = openDatabase({
    ...{ url: by("api", home.url), workerUrl: by("worker", home.url), ownerUrl: by("admin", home.url) },
    ...options,
  });
  const api = openDatabase({ url: by("api", home.url), ...options });
  const worker = openDatabase({ url: by("worker", home.url), ...options });
  try {
    const ids = (tx: TenantTx | BackupTx) => tx.selectFrom("tenants").select("id").execute();
    expect(await apart.inTenant("default", ids)).toEqual([{ id: "default" }]);
    expect(await apart.once(listTenants)).toHaveLength(1);
    expect(await apart.asOwner(listTenants)).toHaveLength(1);
    expect(await apart.asBackup(ids)).toHaveLength(1);
    const refused = /permission denied to set role|permission denied for table/;
    for (const attempt of [
      () => api.asWorker(listTenants),
      () => api.once((tx) => tx.selectFrom("leases").selectAll().execute()),
      () => api.asOwner(listTenants),
      () => worker.asOwner(listTenants),
      () => worker.asApp((tx) => tx.selectFrom("board_sessions").selectAll().execute()),
      () => worker.inTenant("default", ids),
    ])
      await expect(attempt()).rejects.toThrow(refused);
    // A refused role leaves no transaction open on its connection.
    expect(await worker.asWorker(listTenants)).toHaveLength(1);
  } finally {
    await Promise.all([apart.close(), api.close(), worker.close()]);
    await home.drop();
  }
});
