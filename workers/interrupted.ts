/** The process ends, or the lease is lost: what is under way stops here and goes on elsewhere. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** Settles as `work` does, or rejects with {@link Interrupted} as soon as one of `signals` aborts. */
export async function untilAborted<T>(signals: readonly AbortSignal[], work: () => Promise<T>): Promise<T> {
  const signal = AbortSignal.any([...signals]);
  if (signal.aborted) throw new Interrupted("interrupted");
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Interrupted("interrupted"));
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
  }
}
