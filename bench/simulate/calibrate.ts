import type { Seen } from "./count.ts";
import type { Service } from "./measured.ts";

type Counted = Pick<Seen, "parsesPerSecond" | "callsPerSecond" | "changesPerSecond" | "workerUse" | "duration">;

/**
 * What things cost, from three loads on one worker. Two without posts: the line through them is what a worker costs with
 * nobody to parse, and each parse on top. What a third one with posts costs beyond that is its changes'.
 *
 * One load would not do: of what it costs by the parse, part is there without any, and would be counted again with each
 * parse that is added.
 *
 * @throws where nothing was parsed, or nothing changed: a cost that is no number would be played for ever
 */
export function serviceFrom(loads: {
  readonly light: Counted;
  readonly heavy: Counted;
  readonly changing: Counted;
}): Service {
  const { light, heavy, changing } = loads;
  const atLeast0 = (value: number) => Math.max(0, value);
  const cpuPerParse = atLeast0((heavy.workerUse - light.workerUse) / (heavy.parsesPerSecond - light.parsesPerSecond));
  const cpuAtRest = atLeast0(light.workerUse - light.parsesPerSecond * cpuPerParse);
  const withoutChanges = cpuAtRest + changing.parsesPerSecond * cpuPerParse;
  const service = {
    cpuAtRest,
    cpuPerParse,
    cpuPerChange: atLeast0(changing.workerUse - withoutChanges) / changing.changesPerSecond,
    roundTrip: Math.max(0.001, ((heavy.duration - cpuPerParse) * heavy.parsesPerSecond) / heavy.callsPerSecond),
  };
  if (!Object.values(service).every(Number.isFinite))
    throw new Error(`no costs can be taken from ${JSON.stringify(loads)}`);
  return service;
}
