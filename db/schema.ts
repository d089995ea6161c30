import type { ColumnType, Generated, GeneratedAlways } from "kysely";
import { SESSION_STATES, type SessionHold, type SessionState } from "../runtime/session-states.ts";
import type {
  MessageEntity,
  MessageForward,
  MessageMedia,
  MessageReply,
  PeerRef,
  PollResults,
  Reaction,
  ServiceAction,
} from "./message.ts";

/** PostgreSQL's bigint arrives as bigint, int4multirange as text such as `{[1,5),[9,12)}`. */
type Time = ColumnType<Date, Date | string, Date | string>;
type NullableTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
type DefaultTime = ColumnType<Date, Date | string | undefined, Date | string>;
type Json<T> = ColumnType<T | null, string | null | undefined, string | null>;

export { SESSION_STATES, type SessionHold, type SessionState };

/** The tables, as kysely types them. `db/schema.sql` is the same, dumped from a migrated database. */
export interface Schema {
  tenants: {
    id: string;
    name: string;
    created_at: DefaultTime;
    /** How long its users' messages are kept, counted from the day of a post; null: for ever. */
    messages_kept_days: Generated<number | null>;
  };
  users: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    telegram_id: bigint;
    plan: Generated<"free" | "premium">;
    paid_until: NullableTime;
    trial_expires_at: NullableTime;
    paused: Generated<boolean>;
    language: Generated<string>;
    time_zone: Generated<string>;
    consented_at: NullableTime;
    created_at: DefaultTime;
    /** Of an earlier system, in plain; never written by us. */
    auth_token: Generated<string | null>;
    /** The pair that their next login goes by; null: one of ours. */
    own_api_ref: Generated<string | null>;
  };
  user_sessions: {
    id: GeneratedAlways<bigint>;
    tenant_id: Generated<string>;
    user_id: bigint;
    auth_token: string;
    created_at: DefaultTime;
    last_seen_at: DefaultTime;
  };
  legacy_logouts: { auth_token: string; tenant_id: string; user_id: bigint; logged_out_at: DefaultTime };
  api_tokens: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    name: string;
    token_hash: Buffer;
    created_at: DefaultTime;
    last_used_at: NullableTime;
    revoked_at: NullableTime;
  };
  board_sessions: {
    token_hash: Buffer;
    name: string;
    user_version: Buffer;
    created_at: DefaultTime;
    expires_at: Time;
  };
  bot_updates: { bot_id: bigint; update_id: bigint; at: DefaultTime };
  accepted_signatures: { digest: Buffer; expires_at: Time };
  invites: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    code_hash: Buffer;
    note: string | null;
    plan: "free" | "trial" | "premium";
    days: number;
    max_uses: number;
    uses: Generated<number>;
    expires_at: NullableTime;
    revoked_at: NullableTime;
    created_at: DefaultTime;
  };
  invite_redemptions: {
    invite_id: bigint;
    user_id: bigint;
    tenant_id: string;
    redeemed_at: DefaultTime;
    begun_at: NullableTime;
  };
  sessions: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    /** Null in a login of nobody known yet, and only there: who reads sessions in use never meets it. */
    user_id: ColumnType<bigint, bigint | null, bigint | null>;
    app_id: string;
    telegram_id: bigint;
    api_id: number;
    own_api: Generated<boolean>;
    /** The pair that its key was made with; null: one of ours. */
    own_api_ref: Generated<string | null>;
    state: SessionState;
    reason: string | null;
    holds: Generated<SessionHold[]>;
    ciphertext: Buffer | null;
    wrapped_key: Buffer | null;
    key_id: string | null;
    fingerprint: Buffer | null;
    fingerprint_size: number | null;
    saved_at: NullableTime;
    state_changed_at: DefaultTime;
    created_at: DefaultTime;
    /** When a job last had a use for it, or its person came: to the day. */
    used_at: DefaultTime;
  };
  session_revocations: {
    session_id: bigint;
    tenant_id: string;
    reason: "asked" | "idle";
    asked_at: DefaultTime;
    enqueued_at: NullableTime;
  };
  own_api_ids: {
    id: string;
    tenant_id: string;
    api_id: number;
    ciphertext: Buffer;
    wrapped_key: Buffer;
    key_id: string;
    fingerprint: Buffer;
    fingerprint_size: number;
    created_at: DefaultTime;
  };
  telegram_accounts: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    phone: string;
    own_api_ref: Generated<string | null>;
    user_id: Generated<bigint | null>;
    created_at: DefaultTime;
  };
  session_events: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    session_id: bigint;
    from_state: SessionState;
    to_state: SessionState;
    reason: string | null;
    at: DefaultTime;
    /** When the owner was told of an ending. */
    told_at: NullableTime;
  };
  leases: {
    session_id: bigint;
    token: string;
    beat: Generated<bigint>;
    holder: string;
    taken_at: DefaultTime;
  };
  waits: {
    telegram_id: bigint;
    method: string;
    chat_id: Generated<bigint>;
    until: Time;
    process_until: Time;
    seconds: number;
    observed_at: DefaultTime;
  };
  api_ids: {
    api_id: number;
    /** When it was first seen in the configuration, or in use. */
    first_seen_at: DefaultTime;
    out_of_service_at: NullableTime;
    /** Why Telegram refused it. */
    reason: string | null;
    /** Since when it has sessions and is not in the configuration. */
    unconfigured_at: NullableTime;
    /** Since when it takes no logins, by an operator's word. */
    draining_at: NullableTime;
    retired_at: NullableTime;
    /** Of this outage: how often it was refused, when one account tries it next, and which one does now. */
    refusals: Generated<number>;
    probe_at: NullableTime;
    probe_after_ms: Generated<bigint>;
    probe_token: string | null;
    probe_session_id: bigint | null;
    probe_until: NullableTime;
  };
  account_losses: {
    session_id: bigint;
    kind: "frozen" | "banned";
    api_id: number;
    own_api: boolean;
    at: DefaultTime;
  };
  consent_texts: {
    sha256: Buffer;
    version: string;
    language: string;
    body: string;
    first_shown_at: DefaultTime;
  };
  consents: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    user_id: bigint;
    text_sha256: Buffer;
    via: "page" | "bot" | "api" | "cli";
    at: DefaultTime;
  };
  login_codes: { api_id: number; day: ColumnType<Date, string, string>; sent: Generated<number> };
  schedules: {
    user_id: bigint;
    tenant_id: string;
    queue: string | null;
    next_parse_at: DefaultTime;
    claimed_at: NullableTime;
    last_enqueued_at: NullableTime;
    last_started_at: NullableTime;
  };
  channels: {
    id: bigint;
    username: string | null;
    title: string;
    kind: "broadcast" | "megagroup";
    state: Generated<string>;
    pts: number | null;
    top_message_id: Generated<number>;
    covered: Generated<string>;
    unverified: Generated<string>;
    revision: Generated<bigint>;
    participants: number | null;
    created_at: DefaultTime;
    read_at: NullableTime;
    incomplete_since: NullableTime;
    reconciled_at: NullableTime;
    reconcile_asked_at: NullableTime;
    reconcile_below: number | null;
    former_title: string | null;
    title_since: DefaultTime;
    migrated_from: bigint | null;
    migrated_at: NullableTime;
    /** What lies below has been let go by policy: no message of it is stored, and none is missing. */
    kept_from: Generated<number | null>;
    /** The policy that it was let go by. */
    kept_days: Generated<number | null>;
    kept_checked_at: NullableTime;
    /** When it was first found that nobody follows it any more. */
    unfollowed_since: NullableTime;
  };
  channel_names: {
    channel_id: bigint;
    username: string;
    since: DefaultTime;
    until: NullableTime;
    look_at: NullableTime;
  };
  channel_claims: { channel_id: bigint; purpose: Generated<string>; token: string; until: Time };
  subscriptions: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    user_id: bigint;
    name: string;
    channel_id: bigint | null;
    state: Generated<string>;
    checked_at: NullableTime;
    created_at: DefaultTime;
    state_since: DefaultTime;
    look_at: NullableTime;
  };
  channel_access: {
    user_id: bigint;
    channel_id: bigint;
    tenant_id: string;
    access_hash: bigint;
    state: Generated<string>;
    available_min_id: Generated<number>;
    joined: Generated<boolean>;
    checked_at: DefaultTime;
    recheck_at: NullableTime;
    state_since: DefaultTime;
  };
  messages: MessageColumns;
  message_versions: {
    channel_id: bigint;
    message_id: number;
    revision: bigint;
    edit_date: NullableTime;
    text: string;
    entities: Json<MessageEntity[]>;
    media: Json<MessageMedia>;
    replaced_at: DefaultTime;
  };
  message_tombstones: { channel_id: bigint; message_id: number; deleted_at: Time };
  skipped_messages: { channel_id: bigint; message_id: number; reason: string; seen_at: DefaultTime };
  runs: {
    id: GeneratedAlways<bigint>;
    tenant_id: string;
    user_id: bigint;
    slot: Time;
    started_at: Time;
    finished_at: DefaultTime;
    plan: string;
    outcome: string;
    error: string | null;
    channels: Generated<number>;
    channels_changed: Generated<number>;
    calls: Generated<number>;
    waits: Generated<number>;
    messages_new: Generated<number>;
    messages_edited: Generated<number>;
    messages_deleted: Generated<number>;
  };
  /** What old runs came to. */
  runs_daily: {
    tenant_id: string;
    day: ColumnType<Date, string, string>;
    plan: string;
    done: number;
    failed: number;
    waiting: number;
    calls: bigint;
    waits: bigint;
    messages_new: bigint;
    messages_edited: bigint;
    messages_deleted: bigint;
  };
  session_events_daily: {
    tenant_id: string;
    day: ColumnType<Date, string, string>;
    from_state: string;
    to_state: string;
    reason: string;
    events: number;
  };
  /** People who asked to be erased. */
  erasures: { user_id: bigint; tenant_id: string; asked_at: DefaultTime };
  maintenance_tasks: { task: string; created_at: DefaultTime; began_at: DefaultTime; succeeded_at: NullableTime };
  user_posts: MessageColumns & { tenant_id: string; user_id: bigint };
}

interface MessageColumns {
  channel_id: bigint;
  id: number;
  kind: "message" | "service";
  date: Time;
  edit_date: NullableTime;
  edit_hidden: Generated<boolean>;
  deleted_at: NullableTime;
  text: string;
  entities: Json<MessageEntity[]>;
  media: Json<MessageMedia>;
  grouped_id: bigint | null;
  forward: Json<MessageForward>;
  reply: Json<MessageReply>;
  from_peer: Json<PeerRef>;
  author: string | null;
  via_bot_id: bigint | null;
  pinned: Generated<boolean>;
  silent: Generated<boolean>;
  no_forwards: Generated<boolean>;
  service: Json<ServiceAction>;
  views: number | null;
  forwards: number | null;
  replies: number | null;
  reactions: Json<Reaction[]>;
  poll_results: Json<PollResults>;
  stats_at: Time;
  pts: number | null;
  revision: bigint;
  stored_at: DefaultTime;
}
