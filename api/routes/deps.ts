import type { ApiConfig } from "../../config/api.ts";
import type { Database } from "../../db/database.ts";
import type { PostReader } from "../../db/post-reader.ts";
import type { Tickets } from "../../login/tickets.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Terms } from "../../terms/terms.ts";
import type { RequestMetrics } from "../http/request-metrics.ts";
import type { InitDataTrust } from "../proof/init-data.ts";
import type { QrCallback } from "../qr-callback.ts";
import type { RevokeSession } from "../revoke-session.ts";
import type { FleetStatus } from "../status.ts";

/** What routes work with. */
export interface RouteDeps {
  readonly database: Database;
  /** Where posts are read; `database` unless given. */
  readonly posts?: PostReader;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "miniappWebhooks"> & RequestMetrics;
  readonly clock: Clock;
  readonly config: Omit<ApiConfig, "host" | "port">;
  readonly trust: InitDataTrust;
  /** Logins by QR code, and by phone and code; null where there are none here. */
  readonly tickets: Pick<
    Tickets,
    "start" | "status" | "prove" | "tryPassword" | "askerOf" | "purpose" | "show" | "cancel" | "codes" | "keepOwnApiId"
  > | null;
  /** Who takes what the Mini App's bot reports of a QR login; null where there are no QR logins here. */
  readonly qrCallback: QrCallback | null;
  readonly revoke: RevokeSession;
  /** What people agree to who log in. */
  readonly terms: Terms;
  readonly status: () => Promise<FleetStatus>;
}
