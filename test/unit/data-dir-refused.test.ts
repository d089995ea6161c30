import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { openDataDir } from "../../embedded/data-dir.ts";

it.skipIf(!existsSync("/proc/self"))("refuses a place where nothing can be made, instead of trying for ever", () => {
  expect(() => openDataDir("/proc/nope/deeper")).toThrow(
    "the data directory /proc/nope/deeper cannot be used (ENOENT)",
  );
});
