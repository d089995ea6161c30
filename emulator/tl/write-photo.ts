import type { TlWriter } from "./primitives.ts";

export interface PhotoFile {
  readonly id: bigint;
  readonly width: number;
  readonly height: number;
  readonly size: number;
}

/** The DC that keeps the emulated files. */
export const FILES_DC = 2;

/** Files' access hashes and references are not judged yet: any value does, as long as it stays the same. */
export const fileHash = (id: bigint): bigint => BigInt.asIntN(64, id * 0x9e3779b97f4a7c15n);
export function fileReference(id: bigint): Buffer {
  const reference = Buffer.alloc(9);
  reference.writeBigUInt64LE(BigInt.asUintN(64, id), 1);
  return reference;
}

/** Longest side of Telegram's small size `m` (core.telegram.org/api/files#image-thumbnail-types). */
const SMALL_SIDE = 320;

/** Writes a `photo`: its full size as `y`, and, where that is larger, the small one as `m`, smallest first. */
export function writePhoto(photo: PhotoFile, date: number, writer: TlWriter): void {
  writer.int(0xfb197a65).int(0);
  writer.long(photo.id).long(fileHash(photo.id)).bytes(fileReference(photo.id)).int(date);
  const full = { type: "y", width: photo.width, height: photo.height, size: photo.size };
  const scale = SMALL_SIDE / Math.max(photo.width, photo.height);
  const sizes = scale < 1 ? [shrunk(full, scale), full] : [full];
  writer.vector(sizes, writePhotoSize);
  writer.int(FILES_DC);
}

interface Size {
  readonly type: string;
  readonly width: number;
  readonly height: number;
  readonly size: number;
}

function shrunk(full: Size, scale: number): Size {
  return {
    type: "m",
    width: Math.max(1, Math.round(full.width * scale)),
    height: Math.max(1, Math.round(full.height * scale)),
    size: Math.ceil(full.size * scale * scale),
  };
}

export function writePhotoSize(size: Size, writer: TlWriter): void {
  writer.int(0x75c78e60).bytes(size.type).int(size.width).int(size.height).int(size.size);
}
