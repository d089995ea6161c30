/** What is to happen, the earliest first: a binary heap of times and small numbers. */
export class Agenda {
  readonly #times: number[] = [];
  readonly #events: number[] = [];

  get size(): number {
    return this.#times.length;
  }

  add(time: number, event: number): void {
    let at = this.#times.length;
    this.#times.push(time);
    this.#events.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#times[above]! <= time) break;
      this.#move(above, at);
      at = above;
    }
    this.#times[at] = time;
    this.#events[at] = event;
  }

  /** @throws where nothing is left */
  next(): { time: number; event: number } {
    const [time, event] = [this.#times[0], this.#events[0]];
    const [lastTime, lastEvent] = [this.#times.pop(), this.#events.pop()];
    if (time === undefined || event === undefined || lastTime === undefined || lastEvent === undefined)
      throw new Error("nothing is to happen any more");
    if (this.#times.length > 0) this.#sink(lastTime, lastEvent);
    return { time, event };
  }

  #sink(time: number, event: number): void {
    const count = this.#times.length;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= count) break;
      if (below + 1 < count && this.#times[below + 1]! < this.#times[below]!) below += 1;
      if (this.#times[below]! >= time) break;
      this.#move(below, at);
      at = below;
    }
    this.#times[at] = time;
    this.#events[at] = event;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#events[to] = this.#events[from]!;
  }
}
