import { createHash, createHmac } from "node:crypto";
import type { FastifyInstance, FastifyPluginAsync, InjectOptions } from "fastify";
import { type AppDeps, createApp } from "../../api/app.ts";
import type { QrCallback } from "../../api/qr-callback.ts";
import type { RouteDeps } from "../../api/routes/deps.ts";
import type { ApiConfig } from "../../config/api.ts";
import { createApiToken } from "../../db/api-tokens.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { createLog, silentLog } from "../../runtime/log.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import type { Tracing } from "../../runtime/tracing.ts";
import { createTerms } from "../../terms/terms.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { testDatabase } from "./services.ts";

export const TENANT = "default";
export const BOT_TOKEN = "7000000001:test_token_of_no_bot_at_all_abcdef";
export const HMAC_SECRET = "a secret that only tests have";

export interface TestApi {
  readonly app: FastifyInstance;
  readonly database: Database;
  readonly databaseUrl: string;
  readonly clock: ManualClock;
  readonly metrics: Metrics;
  /** Every line that was logged, at every level. */
  readonly logged: string[];
  inject(options: InjectOptions): Promise<Awaited<ReturnType<FastifyInstance["inject"]>>>;
  /** A Bearer header of a tenant's new token. */
  bearer(tenantId?: string): Promise<{ authorization: string }>;
  close(): Promise<void>;
}

/** The API over a database of its own (or one that is there), without a port. */
export async function startApiApp(
  given: {
    config?: Partial<Omit<ApiConfig, "miniApp">> & { miniApp?: Partial<ApiConfig["miniApp"]> };
    qrCallback?: QrCallback;
    tickets?: RouteDeps["tickets"];
    revoke?: RouteDeps["revoke"];
    posts?: RouteDeps["posts"];
    queues?: AppDeps["queues"];
    databaseUrl?: string;
    tracing?: Tracing;
    initDataKey?: Buffer;
    more?: FastifyPluginAsync;
    now?: number;
    through?: (database: Database) => Database;
  } = {},
): Promise<TestApi> {
  const { url, drop } = given.databaseUrl
    ? { url: given.databaseUrl, drop: async () => undefined }
    : await testDatabase();
  const opened = openDatabase({ url, poolSize: 10, fencedStatementMs: 5_000, log: silentLog });
  const database = given.through?.(opened) ?? opened;
  const clock = manualClock(given.now ?? Date.now());
  const metrics = createMetrics();
  const logged: string[] = [];
  const log = createLog({ level: "trace", name: "api", destination: { write: (line) => void logged.push(line) } });
  const app = await createApp({
    terms: createTerms({ version: "1", url: null }),
    ...{ database, log, metrics, clock },
    config: {
      requestsPerMinute: 1_000_000,
      trustedProxies: [],
      admins: new Set(),
      board: { users: [], published: false },
      ...given.config,
      miniApp: {
        ...{ botToken: BOT_TOKEN, botIds: [], hmacSecret: HMAC_SECRET, toleranceSeconds: 300 },
        ...given.config?.miniApp,
      },
    },
    qrCallback: given.qrCallback ?? null,
    tickets: given.tickets ?? null,
    revoke:
      given.revoke ??
      (async () => {
        throw new Error("nobody revokes sessions here");
      }),
    status: async () => ({
      users: 0,
      schedules: { due: 0, inFlight: 0, late: 0, schedulable: 0 },
      waits: { waits: 0, accounts: 0 },
      queues: [],
    }),
    queues: given.queues ?? (async () => []),
    ...(given.posts ? { posts: given.posts } : {}),
    ...(given.tracing ? { tracing: given.tracing } : {}),
    ...(given.initDataKey ? { initDataKey: given.initDataKey } : {}),
    ...(given.more ? { more: given.more } : {}),
  });
  return {
    ...{ app, database, databaseUrl: url, clock, metrics, logged },
    inject: (options) => app.inject(options),
    async bearer(tenantId = TENANT) {
      const { token } = await database.inTenant(tenantId, (tx) => createApiToken(tx, { tenantId, name: "test" }));
      return { authorization: `Bearer ${token}` };
    },
    async close() {
      await app.close();
      await opened.close();
      await drop();
    },
  };
}

/** What Telegram would hand to the Mini App of this bot. `more` adds to its fields, or replaces them. */
export function initDataOf(
  telegramId: number,
  at: number,
  given: { botToken?: string; more?: Readonly<Record<string, string>> } = {},
): string {
  const pairs: Record<string, string> = {
    query_id: "AAF",
    user: JSON.stringify({ id: telegramId, first_name: "Test" }),
    auth_date: String(Math.floor(at / 1_000)),
    ...given.more,
  };
  const secret = createHmac("sha256", "WebAppData")
    .update(given.botToken ?? BOT_TOKEN)
    .digest();
  const hash = createHmac("sha256", secret).update(lines(pairs)).digest("hex");
  return new URLSearchParams({ ...pairs, hash }).toString();
}

/** What the Telegram Login widget would give. */
export function loginWidgetOf(telegramId: number, at: number, botToken = BOT_TOKEN): Record<string, string | number> {
  const pairs = { id: telegramId, first_name: "Test", auth_date: Math.floor(at / 1_000) };
  const secret = createHash("sha256").update(botToken).digest();
  return { ...pairs, hash: createHmac("sha256", secret).update(lines(pairs)).digest("hex") };
}

/** A signed report of the Mini App's bot. */
export function signedCallback(
  body: string,
  at: number,
  secret = HMAC_SECRET,
): {
  readonly method: "POST";
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload: string;
} {
  const timestamp = String(Math.floor(at / 1_000));
  return {
    method: "POST",
    url: "/api/qr/callback",
    headers: {
      "content-type": "application/json",
      "x-timestamp": timestamp,
      "x-miniapp-signature": createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex"),
    },
    payload: body,
  };
}

const lines = (pairs: Readonly<Record<string, string | number>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join("\n");

/** The token that an answer's cookie sets; null where it sets none or clears it. */
export function cookieOf(answer: { readonly cookies: readonly unknown[] }): string | null {
  const cookies = answer.cookies as readonly { name: string; value: string }[];
  return cookies.find(({ name }) => name === "auth_token")?.value || null;
}
