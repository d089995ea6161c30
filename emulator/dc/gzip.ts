import { gunzipSync, gzipSync } from "node:zlib";
import { TlReadError, TlWriter } from "../tl/primitives.ts";

export const GZIP_PACKED = 0x3072cfa1;
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

/**
 * What a `gzip_packed` holds. GramJS sends the constructor with bytes that it did not compress: these are taken as they
 * are, as Telegram does.
 *
 * @throws TlReadError where compressed bytes do not unpack, or to too much
 */
export function unpackGzip(packed: Buffer): Buffer {
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed;
  try {
    return gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    throw new TlReadError("gzip_packed does not unpack", { cause: error });
  }
}

/** `gzip_packed` around a boxed object, in the fastest compression. */
export function packGzip(object: Buffer): Buffer {
  const packed = gzipSync(object, { level: 1 });
  return new TlWriter(packed.length + 12).int(GZIP_PACKED).bytes(packed).finish();
}
