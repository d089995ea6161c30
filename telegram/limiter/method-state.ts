/** A paused method of an API ID, as it stands in Redis; times are Redis's clock in milliseconds. */
export interface MethodState {
  readonly until: number;
  readonly lengthMs: number;
  /** The account that tries the method after the pause, before anybody else does. */
  readonly probe: { readonly account: bigint; readonly until: number } | null;
}

/**
 * The scripts write it as "until length account until", the last two "-" and 0 without a probe. Null for what no
 * script of this version wrote.
 */
export function readMethodState(text: string): MethodState | null {
  const match = /^(\d+) (\d+) (-|\d+) (\d+)$/.exec(text);
  if (!match) return null;
  const [, until, lengthMs, account = "-", probeUntil] = match;
  return {
    until: Number(until),
    lengthMs: Number(lengthMs),
    probe: account === "-" ? null : { account: BigInt(account), until: Number(probeUntil) },
  };
}
