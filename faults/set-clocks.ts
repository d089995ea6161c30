import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { acquire } from "../bench/acquire.ts";
import type { Stage } from "./scenario.ts";

const PROBE = join(import.meta.dirname, "clock-probe.mjs");

/** A wall clock that can be set. Monotonic clocks, and this process's, go on. */
export interface SetClock {
  /** Sets it so many milliseconds off. */
  setOff(milliseconds: number): Promise<void>;
}

/** The clock of the processes that are started with `env`. */
export function openProcessClock(stage: Stage): SetClock & { readonly env: NodeJS.ProcessEnv } {
  const folder = stage.lifecycle.own("clock", mkdtempSync(join(tmpdir(), "gramfleet-clock-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const file = join(folder, "off");
  const write = (milliseconds: number) => {
    writeFileSync(`${file}.next`, String(milliseconds));
    renameSync(`${file}.next`, file);
  };
  write(0);
  const probe = pathToFileURL(PROBE);
  probe.searchParams.set("file", file);
  return { setOff: async (milliseconds) => write(milliseconds), env: { NODE_OPTIONS: `--import=${probe.href}` } };
}

/**
 * The clock of a migrated database, for connections that are opened from now on: its functions that tell the time are
 * found before PostgreSQL's own, by its defaults too. The server itself keeps its time.
 */
export async function openDatabaseClock(stage: Stage, url: string): Promise<SetClock> {
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  const connected = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  };
  const client = await acquire(stage.lifecycle, "database's clock", connected(), (opened) => opened.end());
  await client.query(FUNCTIONS);
  await client.query(`alter database ${client.escapeIdentifier(database)} set search_path = ${SEARCH_PATH}`);
  await client.query(`set search_path = ${SEARCH_PATH}`);
  await client.query("set role gramfleet_owner");
  await client.query(DEFAULTS);
  await client.query("reset role");
  return {
    async setOff(milliseconds) {
      await client.query("update set_clock.set_off set by = $1::float8 * interval '1 millisecond'", [milliseconds]);
    },
  };
}

/** What is made goes into the first one, and the functions of `set_clock` come before those of the same name. */
const SEARCH_PATH = "public, set_clock, pg_catalog";

const FUNCTIONS = `
  create schema set_clock;
  create table set_clock.set_off (by interval not null);
  insert into set_clock.set_off values ('0');
  create function set_clock.now() returns timestamptz stable language sql
    as 'select pg_catalog.now() + by from set_clock.set_off';
  create function set_clock.clock_timestamp() returns timestamptz volatile language sql
    as 'select pg_catalog.clock_timestamp() + by from set_clock.set_off';
  grant usage on schema set_clock to public;
  grant select on set_clock.set_off to public;
`;

/** A default keeps the function that it was made with. */
const DEFAULTS = `
  do $$
  declare made record;
  begin
    for made in
      select table_name, column_name, regexp_replace(column_default, '^pg_catalog\\.', '') as expression
      from information_schema.columns
      where table_schema = 'public' and column_default ~ '^(pg_catalog\\.)?(now|clock_timestamp)\\(\\)$'
    loop
      execute format(
        'alter table public.%I alter column %I set default %s', made.table_name, made.column_name, made.expression
      );
    end loop;
  end $$;
`;
