import { createRequire } from "node:module";
import type { Log } from "../../../runtime/log.ts";
import { answers } from "../answers.ts";
import { wasmAesIge } from "./aes-ige.ts";
import { messageDecoder } from "./message-decoder.ts";
import { nativeIntegers } from "./native-integers.ts";
import type { ModulePatch, Patch } from "./patch.ts";

const PATCHES = [nativeIntegers, wasmAesIge] as unknown as readonly ModulePatch[];
/** More would be felt by every process that starts: the originals are slow, and not yet compiled. */
const TRIALS = 4;
/** Each is an answer of every kind, of some dozen objects. */
const DECODER_TRIALS = 1;

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
  install(messageDecoder as unknown as Patch, answers, log, DECODER_TRIALS);
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
