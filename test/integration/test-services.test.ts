import { Redis } from "ioredis";
import { Client } from "pg";
import { expect, test } from "vitest";
import { testDatabase, testRedis } from "../support/services.ts";

test("a test has a PostgreSQL database of its own, not as superuser", async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    "select current_database() as database, current_setting('is_superuser') as superuser, current_setting('TimeZone') as zone, current_setting('server_encoding') as encoding",
  );
  await client.end();
  expect(rows).toEqual([{ database: database.name, superuser: "off", zone: "UTC", encoding: "UTF8" }]);
  await database.drop();
});

test("a test has a Redis that evicts nothing", async () => {
  const { url, prefix } = testRedis();
  const redis = new Redis(url);
  await redis.set(`{${prefix}}:key`, "value");
  expect(await redis.get(`{${prefix}}:key`)).toBe("value");
  expect(await redis.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
  redis.disconnect();
});
