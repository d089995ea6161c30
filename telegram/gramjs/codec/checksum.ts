import { randomBytes, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ModulePatch } from "./patch.ts";

type Helpers = Pick<typeof import("telegram/Helpers.js"), "crc32">;

/** The checksum of every packet by zlib instead of byte by byte in JavaScript. */
export const zlibChecksum: ModulePatch<Helpers> = {
  name: "crc32",
  module: "telegram/Helpers.js",
  make: () => ({ crc32: (data: Buffer | string) => crc32(data) }),
  agrees(ours, theirs) {
    const data = randomBytes(randomInt(0, 1_024));
    return ours.crc32(data) === theirs.crc32(data);
  },
};
