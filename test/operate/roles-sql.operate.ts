import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect, inject, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { migrate } from "../../db/migrate.ts";
import { listTenants } from "../../db/tenants.ts";
import { postgresUrl, SUPERUSER } from "../../embedded/postgres.ts";
import { silentLog } from "../../runtime/log.ts";
import { describeWith } from "../support/programs.ts";

const ROLES = fileURLToPath(new URL("../../deploy/postgres/roles.sql", import.meta.url));

describeWith("psql")("a login that may not make roles", () => {
  it("is told what to run, migrates after it, and inherits a worker's rights alone", async () => {
    const socketDir = inject("postgresSocket");
    const name = `plain_${randomBytes(4).toString("hex")}`;
    const psql = (database: string, ...args: string[]) =>
      execFileSync("psql", [postgresUrl(socketDir, database, SUPERUSER), "--quiet", ...args], { encoding: "utf8" });
    psql("postgres", `--command=create role ${name} login`, `--command=create database ${name} owner ${name}`);
    const url = postgresUrl(socketDir, name, name);
    await expect(migrate(url)).rejects.toThrow("run deploy/postgres/roles.sql as a superuser");
    psql(name, `--set=login=${name}`, `--file=${ROLES}`);
    await migrate(url);
    const database = openDatabase({ url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
    try {
      expect(await database.asOwner(listTenants)).toHaveLength(1);
      expect(await database.once(listTenants)).toHaveLength(1);
      const web = database.once((tx) => tx.selectFrom("board_sessions").selectAll().execute());
      await expect(web).rejects.toThrow("permission denied");
    } finally {
      await database.close();
      psql("postgres", `--command=drop database ${name} with (force)`, `--command=drop role ${name}`);
    }
  });
});
