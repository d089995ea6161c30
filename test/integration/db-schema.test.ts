import { expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { describeSchema } from "../../db/describe-schema.ts";
import { silentLog } from "../../runtime/log.ts";
import { testDatabase } from "../support/services.ts";

it("has the schema that db/schema.sql shows (written anew by `npx vitest run db-schema -u`)", async () => {
  const test = await testDatabase();
  const database = openDatabase({ url: test.url, poolSize: 1, fencedStatementMs: 1_000, log: silentLog });
  try {
    await expect(await database.asWorker(describeSchema)).toMatchFileSnapshot("../../db/schema.sql");
  } finally {
    await database.close();
    await test.drop();
  }
});
