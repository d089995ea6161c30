import { OperatorError } from "../runtime/operator-error.ts";

/** What the network, or PostgreSQL in its first words, answers where there is no use in trying the query. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections",
  ENOENT: "has no socket there",
  ENOTFOUND: "has a host name that is not known",
  EAI_AGAIN: "has a host name that is not known",
  ETIMEDOUT: "does not answer",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  ECONNRESET: "closed the connection",
  EPIPE: "closed the connection",
  EACCES: "has a socket that may not be opened",
  "57P01": "is shutting down",
  "57P02": "is restarting after a crash",
  "57P03": "is starting up or shutting down",
  "53300": "has no connection left",
  // PgBouncer's, of whatever keeps it from giving a connection; of PostgreSQL itself it would be a mistake of `pg`'s.
  "08P01": "is kept from us by its pooler",
  "28P01": "refuses the password",
  "28000": "refuses the user",
  "3D000": "has no such database",
};

/**
 * Runs `work`; where PostgreSQL cannot be reached or lets nobody in, the error is one line for the operator.
 * The URL is not in it: it holds a password.
 *
 * @throws OperatorError where PostgreSQL cannot be reached; else what `work` throws
 */
export async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const what = whyUnreachable(error);
    if (what === null) throw error;
    throw new OperatorError(`PostgreSQL ${what}: check DATABASE_URL, and that the server runs`, { cause: error });
  }
}

/**
 * Whether an error says that PostgreSQL could not be reached, or went away: nothing that was tried is known to have
 * failed for a reason of its own.
 */
export const isUnreachable = (error: unknown): boolean => whyUnreachable(error) !== null;

/** Whether PostgreSQL gave a statement up because it took too long: it waited for another's lock, or for the processor. */
export const isTooSlow = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && (error.code === "57014" || error.code === "55P03");

/** What PostgreSQL says of a prepared statement: its table has another column by now, or another session was given us. */
const STATEMENT_LOST = new Set(["0A000", "26000", "42P05"]);

/** Whether a prepared statement was no longer good: the connection is replaced, and the transaction may be run again. */
export const isStatementLost = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && STATEMENT_LOST.has(String(error.code));

function whyUnreachable(error: unknown): string | null {
  if (error instanceof AggregateError) return whyUnreachable(error.errors[0]);
  if (!(error instanceof Error)) return null;
  const code = "code" in error ? String(error.code) : "";
  const known = UNREACHABLE[code];
  if (known) return known;
  // `pg` names these by text alone.
  if (
    /timeout exceeded when trying to connect|Connection terminated|connection error and is not queryable/i.test(
      error.message,
    )
  )
    return "does not answer";
  return null;
}
