import pg from "pg";

/** A transaction that changed a channel's cursor or ended a run, as it was committed. Times are PostgreSQL's. */
export interface WitnessedCommit {
  /** The process, by the name that its connections go by. */
  readonly application: string;
  readonly beganAt: Date;
  readonly committedAt: Date;
}

/** What the database itself saw of a fleet's commits: nothing that gramfleet says of itself. */
export interface CommitWitness {
  now(): Promise<Date>;
  /** Those of one process that began before `from` and were committed after `to`. */
  across(application: string, from: Date, to: Date): Promise<readonly WitnessedCommit[]>;
  /** How many of all processes there were. */
  count(): Promise<number>;
  /** How often a channel's pts or revision went back. */
  cursorsBack(): Promise<number>;
  close(): Promise<void>;
}

/** Deferred triggers run as the last of a transaction, so that their clock is the commit's; as whoever owns the tables. */
const TRIGGERS = `
  create table witnessed_commits (application text, began_at timestamptz, committed_at timestamptz);
  create table witnessed_cursors_back (channel_id int8);
  create function witness_commit() returns trigger language plpgsql security definer as $$
  begin
    insert into witnessed_commits values (current_setting('application_name'), now(), clock_timestamp());
    return null;
  end $$;
  create function witness_cursor() returns trigger language plpgsql security definer as $$
  begin
    if new.pts < old.pts or new.revision < old.revision or (new.pts is null and old.pts is not null) then
      insert into witnessed_cursors_back values (new.id);
    end if;
    return null;
  end $$;
  create constraint trigger witness_channel after update on channels deferrable initially deferred for each row
    when (old.pts is distinct from new.pts or old.revision <> new.revision or old.covered <> new.covered)
    execute function witness_commit();
  create constraint trigger witness_run after insert on runs deferrable initially deferred for each row
    execute function witness_commit();
  create trigger witness_cursor after update of pts, revision on channels for each row
    execute function witness_cursor();`;

/** Puts the triggers into a migrated database. */
export async function openCommitWitness(databaseUrl: string): Promise<CommitWitness> {
  // A pool of one, so that it outlives a PostgreSQL that is restarted.
  const client = new pg.Pool({
    connectionString: databaseUrl,
    application_name: "faults-witness",
    options: "-c role=gramfleet_owner",
    max: 1,
  });
  client.on("error", () => {});
  await client.query(TRIGGERS);
  const number = async (statement: string) => Number((await client.query<{ count: string }>(statement)).rows[0]?.count);
  return {
    now: async () => (await client.query<{ now: Date }>("select clock_timestamp() as now")).rows[0]!.now,
    across: async (application, from, to) => {
      const { rows } = await client.query<WitnessedCommit>(
        `select application, began_at as "beganAt", committed_at as "committedAt" from witnessed_commits
         where application = $1 and began_at < $2 and committed_at > $3`,
        [application, from, to],
      );
      return rows;
    },
    count: () => number("select count(*) from witnessed_commits"),
    cursorsBack: () => number("select count(*) from witnessed_cursors_back"),
    close: () => client.end(),
  };
}
