/** Seconds in the upper half, the fraction in the lower (core.telegram.org/mtproto/description#message-identifier-msg-id). */
export function msgIdAt(now: number): bigint {
  const seconds = Math.floor(now / 1000);
  const fraction = Math.floor((now - seconds * 1000) * 4_294_967.296) & ~3;
  return (BigInt(seconds) << 32n) | BigInt(fraction >>> 0);
}

/** The second that a msg_id names, Unix time. */
export function secondOf(msgId: bigint): number {
  return Number(BigInt.asUintN(64, msgId) >> 32n);
}
