import type { Redis } from "ioredis";
import type { Config } from "../config/load.ts";
import { folderMarks, type MarkStore, redisMarks } from "../telegram/installation/marks.ts";

/** Where marks of this installation are kept. */
export function marksOf(config: Config, redis: Redis): MarkStore[] {
  const { markDir } = config.installation;
  return [redisMarks(redis, config.redisPrefix), ...(markDir === null ? [] : [folderMarks(markDir)])];
}
