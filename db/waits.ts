import { sql } from "kysely";
import type { TenantTx, Tx } from "./database.ts";
import { ofTenant } from "./tenant.ts";

/** One wait that Telegram asked an account for. `chatId` 0n: for the whole method. */
export interface Wait {
  readonly telegramId: bigint;
  readonly method: string;
  readonly chatId: bigint;
  /** By the database's clock. */
  readonly until: Date;
  /** By the clock of the process that met it. */
  readonly processUntil: Date;
  readonly seconds: number;
}

const WAIT = sql`telegram_id as "telegramId", method, chat_id as "chatId", until,
  process_until as "processUntil", seconds`;

/** Whether more of the wait `w` is left than Telegram ever asked for: the database's clock has been set back since. */
const SET_BACK = sql`w.until > clock_timestamp() + w.seconds * interval '1 second'`;

/**
 * Whether the wait `w` runs by the database's clock. Where that has been set back since, the wait is left to those who
 * make the calls and know of another clock.
 */
const RUNS = sql`w.until > clock_timestamp() and not (${SET_BACK})`;

/**
 * Whether the same is so by the clock of the process that now meets a wait (`excluded`), which may be a bit behind that
 * of another machine.
 */
const PROCESS_SET_BACK = sql`w.process_until
  > excluded.process_until + (w.seconds - excluded.seconds) * interval '1 second' + interval '1 minute'`;

/**
 * Writes a wait: `until` counts from the database's clock and is never shortened; `seconds` are those of the wait that
 * ends last. Of a row from before the clock was set back nothing is known but that no more than either's is left; of an
 * end by a clock that was ahead, nothing at all. Gives the row as it stands.
 *
 * @param wait.processUntil its end by the clock of the process that met it; the database's where it is left out
 */
export async function recordWait(
  tx: Tx,
  wait: { telegramId: bigint; method: string; chatId: bigint; seconds: number; processUntil?: Date },
): Promise<Wait> {
  const until = sql`clock_timestamp() + ${wait.seconds} * interval '1 second'`;
  const { rows } = await sql<Wait>`
    insert into waits as w (telegram_id, method, chat_id, until, process_until, seconds)
    values (${wait.telegramId}, ${wait.method}, ${wait.chatId}, ${until}, ${wait.processUntil ?? until}, ${wait.seconds})
    on conflict (telegram_id, method, chat_id) do update set
      until = case when ${SET_BACK} then excluded.until else greatest(w.until, excluded.until) end,
      process_until = case when ${PROCESS_SET_BACK} then excluded.process_until
        else greatest(w.process_until, excluded.process_until) end,
      seconds = case when ${SET_BACK} then greatest(w.seconds, excluded.seconds)
        when excluded.until > w.until then excluded.seconds else w.seconds end,
      observed_at = clock_timestamp()
    returning ${WAIT}`.execute(tx);
  const row = rows[0];
  if (!row) throw new Error("the wait was not written");
  return row;
}

/** The waits of an account that are not over by the database's clock, the one that ends first before the others. */
export async function runningWaits(tx: Tx, telegramId: bigint): Promise<Wait[]> {
  const { rows } = await sql<Wait>`
    select ${WAIT} from waits w where telegram_id = ${telegramId} and ${RUNS} order by until`.execute(tx);
  return rows;
}

/** Of the waits that hold these accounts' parses, the one that ends last, for each account that has one. */
export async function waitsOfParses(tx: Tx, telegramIds: readonly bigint[]): Promise<Map<bigint, Wait>> {
  const { rows } = await sql<Wait>`
    select ${WAIT} from waits w where telegram_id = any(${[...telegramIds]}::int8[]) and ${RUNS} order by until`.execute(
    tx,
  );
  return new Map(rows.filter(holdsParse).map((wait) => [wait.telegramId, wait]));
}

/** Methods without which a parse can do nothing: opening the account, and the look at its channels. */
const PARSE_METHODS = ["users.getUsers", "messages.getPeerDialogs"] as const;

/** Whether a wait holds its account's parses altogether, or only what needs that method or chat. */
export const holdsParse = ({ method, chatId }: Pick<Wait, "method" | "chatId">): boolean =>
  chatId === 0n && (PARSE_METHODS as readonly string[]).includes(method);

/** Up to this long a parse is snoozed, whatever it waits for; through longer ones it does without where it can. */
const SNOOZED_SECONDS = 60;

/** The users whose parses are held by a wait, as a subquery of user ids. */
export const usersHeldByWaits = sql`
  select e.user_id from waits w join sessions e on e.telegram_id = w.telegram_id and e.state = 'AUTHORIZED'
  where ${RUNS} and w.chat_id = 0 and w.method in (${sql.join(PARSE_METHODS.map((name) => sql.lit(name)))})`;

/** Those and the users whose parse may be snoozed for a short one. */
export const usersWaiting = sql`
  ${usersHeldByWaits} or (${RUNS} and w.chat_id = 0 and w.seconds <= ${sql.lit(SNOOZED_SECONDS)})`;

/** @param askedFor count only those for which Telegram asked for more seconds than this */
export async function countRunningWaits(tx: Tx, askedFor = 0): Promise<{ waits: number; accounts: number }> {
  const { rows } = await sql<{ waits: number; accounts: number }>`
    select count(*)::int as waits, count(distinct telegram_id)::int as accounts
    from waits w where ${RUNS} and seconds > ${askedFor}`.execute(tx);
  return rows[0] ?? { waits: 0, accounts: 0 };
}

/** A wait as operators see it. */
export interface AccountWait extends Wait {
  /** Of the account's session, where it has one that is in use. */
  readonly apiId: number | null;
}

/** The running waits of the tenant's accounts, the one that ends last first. */
export async function listRunningWaits(tx: TenantTx, limit: number): Promise<AccountWait[]> {
  const { rows } = await sql<AccountWait>`
    select w.telegram_id as "telegramId", w.method, w.chat_id as "chatId", w.until,
      w.process_until as "processUntil", w.seconds, e.api_id as "apiId"
    from waits w
    join users u on u.telegram_id = w.telegram_id and ${ofTenant("u.tenant_id")}
    left join sessions e on e.telegram_id = w.telegram_id and e.state = 'AUTHORIZED'
    where ${RUNS}
    order by w.until desc, w.telegram_id, w.method limit ${limit}`.execute(tx);
  return rows;
}

/**
 * Where the database's clock was set back, its waits would last for as long as that beyond their end, or begin anew with
 * every process that reads them, where all clocks were. Has them end as long after now as was asked for. Gives their number.
 */
export async function bringBackWaits(tx: Tx): Promise<number> {
  const { numAffectedRows } = await sql`
    update waits w set until = clock_timestamp() + w.seconds * interval '1 second' where ${SET_BACK}`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Deletes waits that have been over for longer than `olderThanMs`. Gives their number. */
export async function deleteOldWaits(tx: Tx, olderThanMs: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from waits where until < clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
