/** A promise did not settle in time. */
export class DeadlinePassed extends Error {
  override name = "DeadlinePassed";
}

/** Settles as `work` does, or rejects with {@link DeadlinePassed} after `milliseconds`. */
export async function withDeadline<T>(what: string, milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlinePassed(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
