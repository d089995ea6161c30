import type { Definer } from "./define.ts";
import { SESSION_ENDINGS, SESSION_HOLDS, SESSION_STATES, VAULT_REFUSALS } from "./labels.ts";

const ANY_STATE = SESSION_STATES.join(", ");

/** Sessions, the leases that they are used under, and their keeping. */
export const sessionMetrics = (define: Definer) => ({
  sessionStates: define.gauge({
    name: "session_states_gauge",
    help: "Sessions in each state, logins of nobody known yet among them.",
    labels: { state: SESSION_STATES },
    in: ["scheduler"],
    look: "How many accounts can be read; STALE ones need a new login.",
  }),
  sessionsHeld: define.gauge({
    name: "sessions_held",
    help: "AUTHORIZED sessions that are not used, by what holds them.",
    labels: { hold: SESSION_HOLDS },
    in: ["scheduler"],
    look: "owner_mismatch is a security alarm; frozen is Telegram's; api_id_out goes with its API ID; revoking is being logged out.",
  }),
  sessionTransitions: define.counter({
    name: "session_state_transitions_total",
    help: "Transitions of sessions that this process has made, by the state before and after.",
    labels: { from: ANY_STATE, to: ANY_STATE },
    in: ["scheduler", "worker", "api", "bot"],
    look: "Sessions dying (AUTHORIZED to STALE), logins coming (to AUTHORIZED).",
  }),
  sessionEndings: define.counter({
    name: "session_endings_total",
    help: "Sessions that Telegram was found to have ended, by why.",
    labels: { reason: SESSION_ENDINGS },
    in: ["worker", "api", "bot"],
    look: "Why sessions die: duplicated should never be; revoked_elsewhere is people's own doing.",
  }),
  lockAcquired: define.counter({
    name: "session_lock_acquired_total",
    help: "Leases of sessions taken.",
    in: ["worker", "api", "bot"],
    look: "Whether accounts are opened at all.",
  }),
  lockFailed: define.counter({
    name: "session_lock_failed_total",
    help: "Leases of sessions not taken, by why: held (by another process), busy (by this one), failover (PostgreSQL has a new primary: nobody takes any for a while), installation (the database is a copy, or not ours: see gramfleet adopt), closing (this process ends), error (PostgreSQL failed).",
    labels: { reason: ["held", "busy", "failover", "installation", "closing", "error"] },
    in: ["worker", "api", "bot"],
    look: "Jobs that are snoozed because another holds their account.",
  }),
  lockLost: define.counter({
    name: "session_lock_lost_total",
    help: "Leases that ended while they were in use: not renewed in time, or taken by another.",
    in: ["worker", "api", "bot"],
    look: "A process that cannot reach PostgreSQL, or stood still.",
  }),
  fingerprintSeconds: define.histogram({
    name: "fingerprint_computation_duration_seconds",
    help: "Time to compute the fingerprint of a session, when it is sealed and when it is opened.",
    buckets: [0.00001, 0.0001, 0.001, 0.01],
    in: ["worker", "api", "bot"],
    look: "Nothing, as a rule: microseconds. More is a machine short of CPU.",
  }),
  vaultRefusals: define.counter({
    name: "vault_refusals_total",
    help: "Sealed sessions and hashes of own API IDs that did not open, by why: unknown_key (its key is not in this process's SESSION_ENCRYPTION_KEYS), not_authentic (damaged, or another row's), wrong_fingerprint.",
    labels: { reason: VAULT_REFUSALS },
    in: ["worker", "api", "bot"],
    look: "Anything but 0: a process with another keyring than the others, or rows that somebody has changed.",
  }),
  sessionConversions: define.counter({
    name: "session_conversion_total",
    help: "Session strings turned into a key to connect with (read), and keys into session strings (written), by format.",
    labels: { format: ["gramjs", "telethon"], direction: ["read", "written"] },
    in: ["worker", "api", "bot"],
    look: "Whether sessions of earlier systems are still about (telethon), and how often keys change (written).",
  }),
  sessionBackups: define.counter({
    name: "session_backup_total",
    help: "Backups of sessions that were made, by outcome. Stays at 0 until backups are switched on.",
    labels: { outcome: ["done", "failed"] },
    in: ["scheduler"],
    look: "Whether backups fail.",
  }),
  lastSessionBackup: define.gauge({
    name: "session_backup_last_success_timestamp_seconds",
    help: "When the newest backup of sessions was completed. No sample until there is one.",
    in: ["scheduler"],
    look: "The age of the newest backup.",
    unset: true,
  }),
});
