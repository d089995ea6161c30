/** Bytes that arrived and are not yet used, in the pieces in which they came. */
export class ByteQueue {
  #pieces: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** The first `count` bytes, left where they are; `count` must not exceed `length`. */
  peek(count: number): Buffer {
    const first = this.#pieces[0];
    if (first && first.length >= count) return first.subarray(0, count);
    // Joined only now that enough is there: a frame that comes byte by byte is copied once.
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined.subarray(0, count);
  }

  /** Takes the first `count` bytes away. */
  take(count: number): Buffer {
    const taken = this.peek(count);
    const first = this.#pieces[0];
    if (first) {
      if (first.length === count) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(count);
    }
    this.#length -= count;
    return taken;
  }
}
