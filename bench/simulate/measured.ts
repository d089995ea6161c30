/** A figure and where it came from. */
export interface Measured {
  readonly value: number;
  readonly from: string;
}

/**
 * What a worker, a parse and a change cost, as it was measured on two cores beside other work. `npm run simulate -- --check`
 * measures it on the machine that it runs on, and predicts other loads from that.
 */
export const MEASURED = {
  /** Seconds of its processor that a worker takes each second, whatever it has to do. */
  cpuAtRest: { value: 0.04, from: "simulate --check at load 6 to 9: five runs, 0.022 to 0.055" },
  /** Seconds of a worker's processor for a parse: lease, connection, owner check, one look, close. */
  cpuPerParse: { value: 0.007, from: "simulate --check at load 6 to 9: five runs, 0.0054 to 0.0077" },
  /** Seconds for each channel in which something is new: one call, its page stored. */
  cpuPerChange: { value: 0.006, from: "simulate --check at load 6 to 9: five runs, 0.0037 to 0.0090" },
  /** Seconds from a call's being sent to its answer. Loopback: Telegram's is what `telegram_call_duration_seconds` shows. */
  roundTrip: { value: 0.042, from: "simulate --check at load 6: a run less its CPU, by its calls" },
} as const satisfies Record<string, Measured>;

/** Seconds; every half a second the scheduler looks who is due (`dueScanEveryMs`). */
export const SCAN_EVERY = 0.5;
/** `getPeerDialogs` takes so many channels (`peerDialogsBatch`). */
export const CHANNELS_A_LOOK = 100;
/** Up to so many seconds a wait is waited in place (`FLOOD_INLINE_MAX_SECONDS`). */
export const INLINE_SECONDS = 2;

export type Service = Readonly<Record<keyof typeof MEASURED, number>>;

export const measuredService = (): Service => ({
  cpuAtRest: MEASURED.cpuAtRest.value,
  cpuPerParse: MEASURED.cpuPerParse.value,
  cpuPerChange: MEASURED.cpuPerChange.value,
  roundTrip: MEASURED.roundTrip.value,
});
