/**
 * Arrays in PostgreSQL's binary format (`array_send` in its arrayfuncs.c): nothing is escaped on the way and nothing
 * parsed there: a third of what storing a page as a JSON document cost is spared. `pg` sends a Buffer as it is.
 */
export type ArrayType = keyof typeof OIDS;

/** Of pg_type, the same in every installation. */
const OIDS = { bool: 16, int8: 20, int4: 23, text: 25, float8: 701, jsonb: 3802 } as const;

const HEADER_BYTES = 20;
const NULL = -1;
const JSONB_VERSION = 1;
/** The most that one UTF-16 unit takes in UTF-8. */
const BYTES_PER_UNIT = 3;

/** Grows to the largest array so far, and is used by one call at a time. */
let space = Buffer.allocUnsafe(64 * 1024);

/**
 * One array, as a parameter's value: numbers for int4 and float8, bigints for int8, strings for text and for jsonb, of
 * which it is the document. Null where every element is: unnest beside others fills up with nulls.
 *
 * @param sizes each element's bytes are added to its place
 * @throws RangeError where a number does not fit
 */
export function binaryArray(type: ArrayType, values: readonly unknown[], sizes: Float64Array): Buffer | null {
  let at = HEADER_BYTES;
  let nulls = 0;
  for (const [index, value] of values.entries()) {
    if (value === null || value === undefined) {
      reserve(at, 4);
      at = space.writeInt32BE(NULL, at);
      nulls += 1;
      continue;
    }
    reserve(at, 4 + mostBytes(value));
    const end = writeElement(type, value, at + 4);
    space.writeInt32BE(end - at - 4, at);
    sizes[index]! += end - at;
    at = end;
  }
  if (nulls === values.length) return null;
  space.writeInt32BE(1, 0); // dimensions
  space.writeInt32BE(nulls > 0 ? 1 : 0, 4);
  space.writeInt32BE(OIDS[type], 8);
  space.writeInt32BE(values.length, 12);
  space.writeInt32BE(1, 16); // the lower bound
  return Buffer.from(space.subarray(0, at));
}

/** Gives where the element ends. */
function writeElement(type: ArrayType, value: unknown, at: number): number {
  switch (type) {
    case "bool":
      return space.writeUInt8(value ? 1 : 0, at);
    case "int4":
      return space.writeInt32BE(value as number, at);
    case "int8":
      return space.writeBigInt64BE(value as bigint, at);
    case "float8":
      return space.writeDoubleBE(value as number, at);
    case "text":
      return at + space.write(value as string, at, "utf8");
    case "jsonb":
      space.writeUInt8(JSONB_VERSION, at);
      return at + 1 + space.write(value as string, at + 1, "utf8");
  }
}

const mostBytes = (value: unknown): number => (typeof value === "string" ? 1 + value.length * BYTES_PER_UNIT : 8);

function reserve(at: number, bytes: number): void {
  if (at + bytes <= space.length) return;
  const larger = Buffer.allocUnsafe(2 * (at + bytes));
  space.copy(larger, 0, 0, at);
  space = larger;
}
