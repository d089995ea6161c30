/** Labels whose values come from elsewhere, and how each is kept from growing. Never a telegram_id, nor anybody's name. */

/** In words, for lists that only the configuration knows. */
export const API_IDS =
  "each of MASTER_API_IDS and BACKUP_API_ID; `own` for all others together, which are people's own";
export const QUEUES = "`parse-<api_id>` for each of MASTER_API_IDS and BACKUP_API_ID; `parse-own`";

/** The methods that gramfleet calls. */
export const METHODS = [
  "account.getPassword",
  "auth.checkPassword",
  "auth.exportLoginToken",
  "auth.importLoginToken",
  "auth.logOut",
  "auth.resendCode",
  "auth.sendCode",
  "auth.signIn",
  "channels.getFullChannel",
  "channels.getMessages",
  "contacts.resolveUsername",
  "help.getConfig",
  "messages.getChats",
  "messages.getDialogs",
  "messages.getHistory",
  "messages.getPeerDialogs",
  "updates.getChannelDifference",
  "users.getUsers",
  "other",
] as const;

export const JOB_NAMES = [
  "parse-user",
  "backfill-channel",
  "reconcile-channel",
  "verify-session",
  "revoke-session",
  "other",
] as const;

export { SESSION_HOLDS, SESSION_STATES } from "../session-states.ts";

export const VAULT_REFUSALS = ["unknown_key", "not_authentic", "wrong_fingerprint"] as const;
export type VaultRefusal = (typeof VAULT_REFUSALS)[number];
export const SESSION_ENDINGS = [
  "duplicated",
  "revoked_elsewhere",
  "expired",
  "deactivated",
  "banned",
  "auth_lost",
] as const;
/** `logins` and `replica` are the api's: for those who log in, and to DATABASE_REPLICA_URL. */
export const POOLS = ["main", "logins", "replica"] as const;
export const PLANS = ["premium", "trial", "free"] as const;

/** What grows; all other tables count as its last. */
export const TABLES = ["messages", "message_versions", "runs", "session_events", "other"] as const;

/** What is done for what is kept too long, and what goes by it. */
export const RETENTION_TASKS = [
  "revocations",
  "idle sessions",
  "erasures",
  "old runs",
  "old session events",
  "old messages",
  "unfollowed channels",
] as const;
export const RETENTION_KINDS = ["sessions", "users", "runs", "session_events", "messages", "channels"] as const;

/** The scheduler's loops. */
export const LOOPS = [
  "recovery",
  "due scan",
  "overdue scan",
  "overslept jobs",
  "maintenance",
  "API IDs",
  "backups",
  "gauges",
  "session gauges",
  "ledger gauges",
  "service gauges",
  "size gauges",
  "retention",
] as const;

/** A value that is none of the list's counts as its last one, `other`. */
const among =
  <const Value extends string>(values: readonly Value[]) =>
  (value: string): Value =>
    (values as readonly string[]).includes(value) ? (value as Value) : (values.at(-1) as Value);

export const methodLabel = among(METHODS);
export const jobLabel = among(JOB_NAMES);

/** @param own whether it is somebody's own pair */
export const apiIdLabel = (apiId: number, own: boolean): string => (own ? "own" : String(apiId));
