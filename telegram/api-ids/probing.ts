import {
  claimProbe,
  listOutages,
  probeRefused,
  probeUndecided,
  putInService,
  releasePinned,
} from "../../db/api-id-outage.ts";
import type { Database } from "../../db/database.ts";
import type { Log } from "../../runtime/log.ts";
import { apiIdLabel } from "../../runtime/metrics/labels.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Accounts } from "../account.ts";
import type { ApiIdService } from "../api-ids.ts";
import { ApiIdRefused } from "../errors.ts";
import { Undecided } from "./breakers.ts";

export interface ProbeTimes {
  readonly apiIdProbeFirstMs: number;
  readonly apiIdProbeMostMs: number;
  /** How long one account may take for a try, before another process takes it over. */
  readonly apiIdProbeClaimMs: number;
}

export interface ProbeDependencies {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "tryApiId">;
  readonly apiIds: Pick<ApiIdService, "breakers">;
  /** Ours: the masters, and the backup. */
  readonly ours: readonly number[];
  readonly times: ProbeTimes;
  readonly metrics: Pick<Metrics, "apiIdProbes">;
  readonly log: Log;
}

/** Sessions given free by one transaction. */
const RELEASED_AT_ONCE = 1_000;

/**
 * One turn: learns which API IDs are out of service, and has one account each try those whose time has come. One account
 * of one process, whoever asks: the breaker lets one through here, and the claim in PostgreSQL one of all processes.
 */
export async function probeApiIds(deps: ProbeDependencies): Promise<"rest"> {
  const { breakers } = deps.apiIds;
  breakers.follow(await deps.database.once(listOutages));
  await Promise.all(
    breakers.halfOpen().map((apiId) =>
      breakers
        .tryOnce(apiId, () => probe(deps, apiId))
        .catch((error: unknown) => {
          if (!(error instanceof Undecided || error instanceof ApiIdRefused)) throw error;
        }),
    ),
  );
  return "rest";
}

async function probe(deps: ProbeDependencies, apiId: number): Promise<void> {
  const { database, accounts, times, log } = deps;
  const claim = await database.asWorker((tx) => claimProbe(tx, apiId, times.apiIdProbeClaimMs));
  if (claim === null) throw new Undecided("another process tries it");
  const count = (outcome: "served" | "refused" | "undecided") =>
    deps.metrics.apiIdProbes.inc({ api_id: apiIdLabel(apiId, !deps.ours.includes(apiId)), outcome });
  if (claim === "no account") {
    await database.asWorker((tx) => probeUndecided(tx, apiId, null, times.apiIdProbeFirstMs));
    count("undecided");
    throw new Undecided("no account can try it");
  }
  const { token, sessionId } = claim;
  try {
    await accounts.tryApiId(sessionId);
  } catch (error) {
    const refused = error instanceof ApiIdRefused;
    await database.asWorker((tx) =>
      refused
        ? probeRefused(tx, apiId, token, times.apiIdProbeMostMs)
        : probeUndecided(tx, apiId, token, times.apiIdProbeFirstMs),
    );
    count(refused ? "refused" : "undecided");
    log.info({ api_id: apiId, refused, err: refused ? undefined : error }, "API ID tried, and not back");
    throw refused ? error : new Undecided("the account that tried it met something else");
  }
  await database.asWorker((tx) => putInService(tx, apiId));
  count("served");
  const released = await releaseAll(database, apiId);
  log.warn({ api_id: apiId, sessions: released }, "API ID back in service");
}

/** Gives every session free that was held for this API ID; gives how many. */
export async function releaseAll(database: Pick<Database, "asWorker">, apiId: number): Promise<number> {
  for (let released = 0; ; ) {
    const now = await database.asWorker((tx) => releasePinned(tx, apiId, RELEASED_AT_ONCE));
    released += now;
    if (now < RELEASED_AT_ONCE) return released;
  }
}
