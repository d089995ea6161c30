import pg from "pg";
import { answering } from "./unreachable.ts";

/** duplicate_database, and unique_violation where two make the same one at once. */
const THERE_ALREADY = new Set(["42P04", "23505"]);

/**
 * Makes the database `name` on the server of `url` (a database there that may be connected to) and leaves one that is
 * there already as it is.
 *
 * @throws OperatorError where PostgreSQL cannot be reached
 */
export async function createDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 15_000 });
  // The query in hand rejects; without a listener the event would end the process.
  client.on("error", () => undefined);
  await answering(async () => {
    await client.connect();
    try {
      const { rows } = await client.query("select from pg_database where datname = $1", [name]);
      if (rows.length === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (!THERE_ALREADY.has(code)) throw error;
    } finally {
      await client.end();
    }
  });
}
