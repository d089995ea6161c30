import { z } from "zod";
import type { AccountToArchive } from "../db/archived-accounts.ts";
import { SESSION_HOLDS } from "../runtime/session-states.ts";

/** The lines of an archive, as JSON has them: bigints as digits, times as ISO, bytes in base64. */
const bytes = z.base64().transform((text) => Buffer.from(text, "base64"));
const id = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt);
const time = z.iso.datetime().transform((text) => new Date(text));
const apiId = z.number().int().positive();

/** As the vault sealed it: nothing of it is in clear in an archive either. */
const sealed = z.object({
  ciphertext: bytes,
  wrappedKey: bytes,
  keyId: z.string(),
  fingerprint: bytes,
  fingerprintSize: z.number().int(),
});

const manifest = z.object({
  kind: z.literal("manifest"),
  createdAt: time,
  /** The schema of the database that it was read from. */
  schema: z.string(),
  /** Which installation that was; null where none had begun there. */
  installation: z.object({ id: z.string(), retiredAt: time.nullable() }).nullable(),
  /** Null: every session. */
  only: z.object({ tenantId: z.string(), appId: z.string() }).nullable(),
});

const account = z.object({
  kind: z.literal("account"),
  tenant: z.object({ id: z.string(), name: z.string() }),
  user: z.object({
    telegramId: id,
    plan: z.enum(["free", "premium"]),
    paidUntil: time.nullable(),
    trialExpiresAt: time.nullable(),
    paused: z.boolean(),
    language: z.string(),
    timeZone: z.string(),
    consentedAt: time.nullable(),
    createdAt: time,
    ownApiRef: z.string().nullable(),
  }),
  sessions: z.array(
    z.object({
      /** Of its row when it was read: part of what its seal is bound to. */
      id,
      appId: z.string(),
      telegramId: id,
      apiId,
      ownApi: z.boolean(),
      ownApiRef: z.string().nullable(),
      holds: z.array(z.enum(SESSION_HOLDS)),
      savedAt: time.nullable(),
      stateChangedAt: time,
      sealed,
    }),
  ),
  ownApiIds: z.array(z.object({ id: z.string(), apiId, sealed })),
  /** Names, in the order in which they were added. */
  subscriptions: z.array(z.string()),
  consents: z.array(
    z.object({
      ...{ version: z.string(), language: z.string(), text: z.string() },
      ...{ via: z.enum(["page", "bot", "api", "cli"]), at: time },
    }),
  ),
  waits: z.array(
    z.object({ method: z.string(), chatId: id, until: time, processUntil: time, seconds: z.number().int() }),
  ),
});

const end = z.object({ kind: z.literal("end"), accounts: z.number().int(), sessions: z.number().int() });

export const archiveRecord = z.discriminatedUnion("kind", [manifest, account, end]);

export type Manifest = z.output<typeof manifest>;
export type ArchivedAccount = z.output<typeof account>;
export type ArchivedSession = ArchivedAccount["sessions"][number];
export type ArchiveEnd = z.output<typeof end>;
export type ArchiveRecord = z.output<typeof archiveRecord>;

/** What {@link archiveRecord} reads. */
export function toLine(record: Manifest | ArchiveEnd | ({ kind: "account" } & AccountToArchive)): unknown {
  return plain(record);
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
