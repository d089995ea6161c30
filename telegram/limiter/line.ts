/** A call that waits for its slot. */
interface Waiter {
  begin(): void;
  refuse(error: Error): void;
}

/** The calls of one API ID that wait for a slot, in the order in which they came. */
export class Line {
  readonly #waiting = new Set<Waiter>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Waits in line until `work` begins or is refused.
   *
   * @param patience refuses the call where it has waited for `deadlineMs`, and says once, after `lookAfterMs`, that it waits
   */
  join<T>(
    work: () => Promise<T>,
    patience: { deadlineMs: number; late(): Error; lookAfterMs: number; look(): void },
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        clearTimeout(deadline);
        clearTimeout(impatience);
        return this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        begin() {
          if (leave()) resolve(begin(work));
        },
        refuse(error) {
          if (leave()) reject(error);
        },
      };
      const deadline = setTimeout(() => waiter.refuse(patience.late()), patience.deadlineMs);
      const impatience = setTimeout(patience.look, patience.lookAfterMs);
      this.#waiting.add(waiter);
    });
  }

  /** Begins the call that has waited longest. */
  next(): void {
    const [first] = this.#waiting;
    first?.begin();
  }

  /** Refuses all of them, or the first so many. */
  refuse(error: Error, most = this.size): void {
    for (const waiter of [...this.#waiting].slice(0, most)) waiter.refuse(error);
  }
}

/** Begins at once; what is thrown before the first await is a rejection too. */
function begin<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
