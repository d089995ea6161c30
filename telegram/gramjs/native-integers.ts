import { createRequire } from "node:module";
import bigInt from "big-integer";

type Helpers = Pick<typeof import("telegram/Helpers.js"), "readBigIntFromBuffer" | "toSignedLittleBuffer">;

const LONG_BYTES = 8;

/**
 * Makes GramJS read and write its 64-bit numbers with the engine's bigint instead of through strings of digits: a
 * seventh of a parse's time. Other lengths go the way they went. May be called again.
 */
export function useNativeIntegers(): void {
  if (inUse) return;
  inUse = true;
  // GramJS's modules call each other through these exports, which only require hands out to be changed.
  const helpers = createRequire(import.meta.url)("telegram/Helpers.js") as Helpers;
  Object.assign(helpers, nativeIntegers({ ...helpers }));
}

/** Like GramJS's exports, one for the process. */
let inUse = false;

/** The two functions, native for eight bytes and `original` for the rest. */
export function nativeIntegers(original: Helpers): Helpers {
  return {
    readBigIntFromBuffer(buffer, little = true, signed = false) {
      if (buffer.length !== LONG_BYTES) return original.readBigIntFromBuffer(buffer, little, signed);
      if (signed) return bigInt(little ? buffer.readBigInt64LE() : buffer.readBigInt64BE());
      return bigInt(little ? buffer.readBigUInt64LE() : buffer.readBigUInt64BE());
    },
    toSignedLittleBuffer(big, bytes = LONG_BYTES) {
      if (bytes !== LONG_BYTES) return original.toSignedLittleBuffer(big, bytes);
      const buffer = Buffer.allocUnsafe(LONG_BYTES);
      buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(big.toString())));
      return buffer;
    },
  };
}
