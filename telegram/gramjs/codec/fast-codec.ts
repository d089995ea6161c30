import { createRequire } from "node:module";
import type { Log } from "../../../runtime/log.ts";
import { wasmAesIge } from "./aes-ige.ts";
import { zlibChecksum } from "./checksum.ts";
import { nativeIntegers } from "./native-integers.ts";
import type { Patch } from "./patch.ts";

const PATCHES: readonly Patch[] = [nativeIntegers, zlibChecksum, wasmAesIge].map(anyPatch);
/** More would be felt by every process that starts: the originals are slow, and not yet compiled. */
const TRIALS = 10;

/** GramJS's modules call each other through these exports, which only require hands out to be changed. */
const gramjs = createRequire(import.meta.url);
/** Like GramJS's exports, one for the process. */
let decided = false;

/**
 * Makes GramJS read and write its packets faster. Each patch is first held against the original on random input, and left
 * out with a warning where they differ: GramJS then goes its own way. May be called again, which does nothing.
 */
export function useFastCodec(log: Log): void {
  if (decided) return;
  decided = true;
  for (const patch of PATCHES) install(patch, gramjs(patch.module) as object, log);
}

/** Leaves GramJS's codec as it comes, for the whole process: {@link useFastCodec} does nothing then. */
export function keepOriginalCodec(): void {
  decided = true;
}

/** Changes `exports` by one patch; gives whether it did. */
export function install(patch: Patch, exports: object, log: Log, trials = TRIALS): boolean {
  const original = { ...exports };
  try {
    const ours = patch.make(original);
    for (let trial = 0; trial < trials; trial += 1)
      if (!patch.agrees(ours, original)) throw new Error("another result than GramJS's");
    Object.assign(exports, ours);
    return true;
  } catch (error) {
    log.warn({ err: error, patch: patch.name }, "GramJS codec patch left out");
    return false;
  }
}

/** The list forgets which exports each one is about; {@link install} brings the right ones to each. */
function anyPatch(patch: unknown): Patch {
  return patch as Patch;
}
