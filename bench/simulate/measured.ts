/** A figure and where it came from. */
export interface Measured {
  readonly value: number;
  readonly from: string;
}

/**
 * What a parse costs, as it was measured on two cores beside other work. `npm run simulate -- --check` measures it on the
 * machine that it runs on, and predicts other runs from that.
 */
export const MEASURED = {
  /** Seconds of a worker's processor for a parse: lease, connection, owner check, one look, close, its share of all else. */
  cpuPerParse: {
    value: 0.035,
    from: "docs/scaling.md: `up --users 200`, backfills in it (simulate --check, nothing followed: 0.012 to 0.021)",
  },
  /** Seconds for each channel in which something is new: one call, its page stored. */
  cpuPerChange: {
    value: 0.004,
    from: "judged, not measured: a difference of few posts, decoded and committed",
  },
  /** Seconds from a call's being sent to its answer. Loopback: Telegram's is what `telegram_call_duration_seconds` shows. */
  roundTrip: { value: 0.044, from: "simulate --check at load 7: a run less its CPU, by its calls" },
} as const satisfies Record<string, Measured>;

/** Seconds; every half a second the scheduler looks who is due (`dueScanEveryMs`). */
export const SCAN_EVERY = 0.5;
/** `getPeerDialogs` takes so many channels (`peerDialogsBatch`). */
export const CHANNELS_A_LOOK = 100;
/** Up to so many seconds a wait is waited in place (`FLOOD_INLINE_MAX_SECONDS`). */
export const INLINE_SECONDS = 2;

export type Service = Readonly<Record<keyof typeof MEASURED, number>>;

export const measuredService = (): Service => ({
  cpuPerParse: MEASURED.cpuPerParse.value,
  cpuPerChange: MEASURED.cpuPerChange.value,
  roundTrip: MEASURED.roundTrip.value,
});
