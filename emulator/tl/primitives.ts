/**
 * TL's bare types, written and read by hand (core.telegram.org/mtproto/serialize). Numbers are little-endian; 32-bit
 * values may be given signed or unsigned, and so may 64-bit ones.
 */
export const VECTOR_ID = 0x1cb5c415;
export const BOOL_TRUE_ID = 0x997275b5;
export const BOOL_FALSE_ID = 0xbc799737;

/** Writes one TL object into a buffer that grows. Every method gives the writer back. */
export class TlWriter {
  #buffer: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    // Not from Node's shared pool: what is handed out keeps only its own memory alive.
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
    this.#view = viewOf(this.#buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A constructor id or a 32-bit integer. */
  int(value: number): this {
    this.#reserve(4);
    this.#view.setInt32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  long(value: bigint): this {
    this.#reserve(8);
    this.#view.setBigInt64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  double(value: number): this {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  /** A boxed Bool. */
  bool(value: boolean): this {
    return this.int(value ? BOOL_TRUE_ID : BOOL_FALSE_ID);
  }

  /** Bytes as they are: int128, int256, or TL that is already encoded. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** `bytes`, or a `string` in UTF-8: length, content, zeros up to a multiple of 4. */
  bytes(value: Uint8Array | string): this {
    const length = typeof value === "string" ? Buffer.byteLength(value) : value.length;
    this.#reserve(length + 8);
    const head = this.#length;
    let at = head;
    if (length < 254) {
      this.#buffer[at++] = length;
    } else {
      this.#view.setInt32(at, length * 256 + 254, true);
      at += 4;
    }
    if (typeof value === "string") this.#buffer.write(value, at, length, "utf8");
    else this.#buffer.set(value, at);
    at += length;
    while ((at - head) % 4 !== 0) this.#buffer[at++] = 0;
    this.#length = at;
    return this;
  }

  /** A boxed vector; `write` writes one item. */
  vector<T>(items: readonly T[], write: (item: T, writer: TlWriter) => void): this {
    this.int(VECTOR_ID).int(items.length);
    for (const item of items) write(item, this);
    return this;
  }

  /** A boxed `Vector<long>`. */
  longs(items: readonly bigint[]): this {
    return this.vector(items, (item) => this.long(item));
  }

  /** Writes an int over what is at `offset`: flags and counts that are known only later. */
  patchInt(offset: number, value: number): this {
    this.#view.setInt32(offset, value, true);
    return this;
  }

  /** What was written. The writer must not be used afterwards: the memory is shared. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = viewOf(grown);
  }
}

/** TL that ends too early or says what cannot be. */
export class TlReadError extends Error {
  override name = "TlReadError";
}

/** Reads bare TL. Every method throws `TlReadError` where the bytes end too early. */
export class TlReader {
  readonly #buffer: Buffer;
  #offset: number;

  constructor(buffer: Buffer, offset = 0) {
    this.#buffer = buffer;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#buffer.length - this.#offset;
  }

  /** A 32-bit integer, signed. */
  int(): number {
    return this.#buffer.readInt32LE(this.#take(4));
  }

  /** A constructor id, unsigned. */
  id(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  /** The constructor id that comes next, left where it is. */
  peekId(): number {
    const id = this.id();
    this.#offset -= 4;
    return id;
  }

  /** A 64-bit integer, signed. */
  long(): bigint {
    return this.#buffer.readBigInt64LE(this.#take(8));
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  bool(): boolean {
    const id = this.id();
    if (id === BOOL_TRUE_ID) return true;
    if (id === BOOL_FALSE_ID) return false;
    throw new TlReadError(`not a Bool: ${id.toString(16)}`);
  }

  /** `length` bytes as they are; a view, not a copy. */
  raw(length: number): Buffer {
    const start = this.#take(length);
    return this.#buffer.subarray(start, start + length);
  }

  /** Everything that is left; a view, not a copy. */
  rest(): Buffer {
    return this.raw(this.left);
  }

  /** `bytes`; a view, not a copy. */
  bytes(): Buffer {
    const head = this.#offset;
    let length = this.#buffer[this.#take(1)]!;
    if (length === 255) throw new TlReadError("a length byte of 255");
    if (length === 254) length = this.#buffer.readUIntLE(this.#take(3), 3);
    const value = this.raw(length);
    const padding = (4 - ((this.#offset - head) % 4)) % 4;
    this.#take(padding);
    return value;
  }

  string(): string {
    return this.bytes().toString("utf8");
  }

  /** A boxed vector; `read` reads one item. */
  vector<T>(read: (reader: TlReader) => T): T[] {
    const id = this.id();
    if (id !== VECTOR_ID) throw new TlReadError(`not a vector: ${id.toString(16)}`);
    const count = this.int();
    // No item is shorter than 4 bytes: a count beyond that is a lie told to take our memory.
    if (count < 0 || count * 4 > this.left) throw new TlReadError(`a vector of ${count} items in ${this.left} bytes`);
    return Array.from({ length: count }, () => read(this));
  }

  #take(length: number): number {
    if (length < 0 || length > this.left) throw new TlReadError(`${length} bytes wanted, ${this.left} left`);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
