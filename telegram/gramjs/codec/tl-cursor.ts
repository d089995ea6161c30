// Whole: GramJS's modules import each other in circles.
import "telegram";
import { TypeNotFoundError } from "telegram/errors/Common.js";

/** Reads one object behind its constructor id, or passes over it. */
export type Reader = (from: TlCursor) => unknown;

/** The readers of a constructor. Ids are signed here: those are what the engine holds without an allocation. */
export interface Readers {
  read(id: number): Reader | undefined;
  skip(id: number): Reader | undefined;
}

const VECTOR = 0x1cb5c415;
const TRUE = 0x997275b5 | 0;
const FALSE = 0xbc799737 | 0;
/** In place of a length: it follows in three bytes. */
const LONG_STRING = 254;

/**
 * A place in the bytes of an answer, and what stands there (core.telegram.org/mtproto/serialize). 64-bit numbers are
 * the engine's own.
 *
 * @throws RangeError past the end, TypeNotFoundError at a constructor that the layer has not
 */
export class TlCursor {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #readers: Readers;
  #at = 0;

  constructor(bytes: Buffer, readers: Readers) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#readers = readers;
  }

  int(): number {
    const value = this.#view.getInt32(this.#at, true);
    this.#at += 4;
    return value;
  }

  long(): bigint {
    const value = this.#view.getBigInt64(this.#at, true);
    this.#at += 8;
    return value;
  }

  double(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  bool(): boolean {
    const id = this.int();
    if (id !== TRUE && id !== FALSE) throw new RangeError("neither true nor false");
    return id === TRUE;
  }

  string(): string {
    const end = this.#stringEnd();
    const value = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end;
    this.#align();
    return value;
  }

  /** A part of the answer, not a copy. */
  bytes(): Buffer {
    const end = this.#stringEnd();
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    this.#align();
    return value;
  }

  skipString(): void {
    this.#at = this.#stringEnd();
    this.#align();
  }

  skip(bytes: number): void {
    this.#at += bytes;
    this.#assertWithin(this.#at);
  }

  object(): unknown {
    const id = this.int();
    const read = this.#readers.read(id);
    return read ? read(this) : this.#withoutClass(id, (from) => from.object());
  }

  skipObject(): void {
    const id = this.int();
    const skip = this.#readers.skip(id);
    if (skip) skip(this);
    else this.#withoutClass(id, (from) => from.skipObject());
  }

  vector<T>(read: (from: TlCursor) => T): T[] {
    const count = this.#vectorCount();
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) items.push(read(this));
    return items;
  }

  skipEach(skip: (from: TlCursor) => void): void {
    for (let left = this.#vectorCount(); left > 0; left -= 1) skip(this);
  }

  /** Past a vector whose items take so many bytes each. */
  skipVector(bytesEach: number): void {
    this.skip(this.#vectorCount() * bytesEach);
  }

  /** A boxed value may also be one of the three that have no class. */
  #withoutClass(id: number, item: (from: TlCursor) => unknown): unknown {
    if (id === TRUE || id === FALSE) return id === TRUE;
    if (id !== VECTOR) throw new TypeNotFoundError(id >>> 0, this.#bytes.subarray(this.#at - 4));
    this.#at -= 4;
    return this.vector(item);
  }

  /** Nothing takes less than four bytes: a longer list than fits is a lie, and not begun. */
  #vectorCount(): number {
    if (this.int() !== VECTOR) throw new RangeError("no vector");
    const count = this.int();
    if (count < 0 || count > (this.#bytes.length - this.#at) / 4) throw new RangeError(`a vector of ${count}`);
    return count;
  }

  /** Goes to where its bytes begin; gives where they end. */
  #stringEnd(): number {
    let length = this.#view.getUint8(this.#at);
    if (length !== LONG_STRING) {
      this.#at += 1;
    } else {
      length = this.#view.getUint32(this.#at, true) >>> 8;
      this.#at += 4;
    }
    this.#assertWithin(this.#at + length);
    return this.#at + length;
  }

  /** What has a length is filled up to whole words. */
  #align(): void {
    const over = this.#at & 3;
    if (over !== 0) this.skip(4 - over);
  }

  #assertWithin(end: number): void {
    if (end > this.#bytes.length) throw new RangeError(`nothing at ${end} of ${this.#bytes.length} bytes`);
  }
}
