/**
 * Every tuning number of gramfleet, with its reason. Milliseconds unless the name says otherwise.
 *
 * `divisor` shortens the times that fault tests wait for (the lease and everything measured against it);
 * sizes and counts stay as they are.
 */
export function createLimits(divisor = 1) {
  const time = (milliseconds: number) => Math.max(1, Math.round(milliseconds / divisor));
  return {
    /** How long a lease lives without a heartbeat. Three beats, so that one lost beat costs nothing. */
    leaseMs: time(30_000),
    heartbeatMs: time(10_000),
    /** How long after a lease's end nothing is sent by anybody: covers the DC's ping disconnect delay. */
    quietMs: time(15_000),
    /** `ping_delay_disconnect`: shorter than the quiet time, so the DC drops a frozen client before a taker comes. */
    pingDisconnectMs: time(12_000),
    pingEveryMs: time(5_000),
    /** How often it is looked whether the database is still ours, and not an older copy of it. */
    installationEveryMs: time(10_000),
    /** A fenced transaction must end before a taker may come. */
    fencedStatementMs: time(10_000),

    /** BullMQ's lock on a job, and how often stalled jobs are looked for. */
    jobLockMs: time(30_000),
    stalledCheckMs: time(15_000),
    /** A job that stalls again and again is parked, not failed: BullMQ's own count must not end it first. */
    maxStalledCount: 1_000,
    parkAfterStalls: 10,
    parkMs: time(3_600_000),
    /** A job whose session is leased elsewhere looks again after this long. */
    leaseHeldSnoozeMs: time(5_000),

    /** Not below what a busy machine takes, whatever the divisor: that would be a fault nobody asked for. */
    callDeadlineMs: Math.max(10_000, time(30_000)),
    connectDeadlineMs: Math.max(10_000, time(15_000)),
    /** After `end()` the peer's close is awaited this long, then the socket lingers no more. */
    closeWaitMs: 1_000,
    callsInFlightPerAccount: 2,

    /** A claim to read one channel: a few pages long, renewed page by page. */
    channelClaimMs: time(10_000),
    channelsInParallel: 4,
    /** After a refusal of an API ID its calls and its queue pause for so long: what is under way notices. */
    apiIdPauseMs: time(60_000),
    /** One account tries it again after this, doubled each time: most refusals last, and a try costs one call. */
    apiIdProbeFirstMs: time(60_000),
    apiIdProbeMostMs: time(6 * 3_600_000),
    /** A try is a connection and one call, each with its deadline. */
    apiIdProbeClaimMs: Math.max(60_000, time(120_000)),
    /** How often a worker looks which API IDs are out of service. */
    apiIdsEveryMs: time(5_000),

    /** A peer that failed is left out of the change scan until this much later. */
    peerRecheckMs: 6 * 3_600_000,

    /** Redis commands of producers fail after this, so that a due scan never hangs. */
    producerTimeoutMs: 3_000,
    dueBatch: 1_000,
    dueScanEveryMs: time(500),
    /** Claimed but not started for this long: enqueued again. */
    overdueAfterMs: time(30_000),
    overdueScanEveryMs: time(10_000),
    /** What is claimed lies among what was parsed long ago where a transaction is open for hours: a tenth of the time. */
    overdueRestTimes: 10,
    /**
     * What is measured, cleared up and looked over rests so many times as long as it took: a fiftieth of a core of
     * PostgreSQL for each, however many users there are.
     */
    restTimes: 50,

    backfillPagesPerJob: 200,
    backfillMsPerJob: 5_000,
    reconcileCallsPerJob: 10,
    reconcileMsPerJob: 5_000,
    /** A backfill's or reconcile's claim of its channel: longer than such a job and its last call take. */
    readClaimMs: time(60_000),
    maintenanceEveryMs: time(10_000),
    /** Channels asked for a turn: 60 a minute are a trickle of 5 calls a second, and 20,000 channels in six hours. */
    reconcileBatch: 10,
    /** Each part of retention's work begins this often, in one scheduler of all. */
    retentionEveryMs: time(60_000),
    /** What grows slowly is looked at more rarely. */
    rollUpEveryMs: time(3_600_000),
    trimEveryMs: time(600_000),
    /** Rows deleted in one transaction: some tens of milliseconds, so that nobody waits for its locks. */
    retentionBatch: 2_000,
    /** After so many a turn ends: others' turns come between. */
    retentionBatchesPerTurn: 50,
    /** Log-outs of idle sessions asked for a turn: each takes a worker a connection. */
    idleBatch: 10,
    /** A log-out that has come to nothing is tried again this much later, and given up after a week: the key goes. */
    revokeAgainMs: time(900_000),
    revokeGiveUpMs: 7 * 86_400_000,
    /** The ledger of every channel is summed up this often: it looks at thousands of rows. */
    ledgerEveryMs: time(30_000),
    /** `messages.getHistory` and `updates.getChannelDifference` give 100 at most (core.telegram.org/api/offsets). */
    pageSize: 100,
    peerDialogsBatch: 100,

    /** How often an api process tells the others that it lives, and its tickets with it. */
    ticketBeatMs: time(3_000),
    /** Logins whose process died are ended: their keys would stay among the account's devices. */
    abandonedLoginsEveryMs: time(60_000),
    /** How often the bot looks for people who are to be told what became of their login: they wait for it. */
    noticesEveryMs: time(2_000),
    notifyEveryMs: 200,
    shutdownGraceMs: time(25_000),
  } as const;
}

export type Limits = ReturnType<typeof createLimits>;
