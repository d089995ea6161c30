import { gzipSync, unzipSync } from "node:zlib";
import { TlReadError, TlWriter } from "../tl/primitives.ts";

export const GZIP_PACKED = 0x3072cfa1;
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

/**
 * What a `gzip_packed` holds: gzip, or zlib's own form, which Telegram takes as well and mtcute sends. GramJS sends the
 * constructor with bytes that it did not compress: these are taken as they are.
 *
 * @throws TlReadError where compressed bytes do not unpack, or to too much
 */
export function unpackGzip(packed: Buffer): Buffer {
  const head = packed.length < 2 ? 0 : packed.readUInt16BE(0);
  const isGzip = head === 0x1f8b;
  if (!isGzip && !isZlibHead(head)) return packed;
  try {
    return unzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    // A constructor id may look like zlib's head.
    if (!isGzip && !isTooLarge(error)) return packed;
    throw new TlReadError("gzip_packed does not unpack", { cause: error });
  }
}

/** RFC 1950: method 8 with a window of 32 KiB, and a checksum of both bytes. */
function isZlibHead(head: number): boolean {
  return head >> 8 === 0x78 && head % 31 === 0;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

/** `gzip_packed` around a boxed object, in the fastest compression. */
export function packGzip(object: Buffer): Buffer {
  const packed = gzipSync(object, { level: 1 });
  return new TlWriter(packed.length + 12).int(GZIP_PACKED).bytes(packed).finish();
}
