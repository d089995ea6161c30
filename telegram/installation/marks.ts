import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { Installation, Seen, Whereabouts } from "../../db/installation.ts";

/**
 * What was last seen of a database, kept outside it: a database that is older than its mark was put back. A mark that is
 * gone proves nothing, and is written anew.
 */
export interface MarkStore {
  /** Whose mark is meant is where the database began: a copy of a folder has the same, a restored dump another. */
  read(of: Whereabouts): Promise<Kept | null>;
  /** Writes it where what is kept still is `before`; false where somebody else has written meanwhile. */
  replace(of: Whereabouts, before: Kept | null, mark: Seen): Promise<boolean>;
}

export interface Kept {
  readonly mark: Seen;
  readonly text: string;
}

const schema = z.object({
  id: z.string(),
  counter: z
    .string()
    .regex(/^\d{1,19}$/)
    .transform(BigInt),
  nonce: z.string(),
  timeline: z.string().nullable(),
});

export const markOf = ({ id, counter, nonce }: Installation, { timeline }: Whereabouts): Seen => ({
  ...{ id, counter, nonce, timeline },
});

const write = ({ id, counter, nonce, timeline }: Seen): string =>
  JSON.stringify({ id, counter: counter.toString(), nonce, timeline });

/** What is no mark is none: it was cut short, or is of a later version. */
function parse(text: string | null): Kept | null {
  if (text === null) return null;
  try {
    return { text, mark: schema.parse(JSON.parse(text)) };
  } catch {
    return null;
  }
}

const nameOf = ({ systemIdentifier, databaseOid }: Whereabouts) => `${systemIdentifier ?? "unknown"}-${databaseOid}`;

const REPLACE = `
  local kept = redis.call('get', KEYS[1])
  if (kept or '') ~= ARGV[1] then return 0 end
  redis.call('set', KEYS[1], ARGV[2])
  return 1`;

/** One for every process of the fleet. FLUSHALL takes it away. Waits for a connection that is being made. */
export function redisMarks(redis: Redis, prefix: string): MarkStore {
  let connecting: Promise<void> | null = null;
  const connected = (): Promise<void> => {
    if (redis.status === "ready") return Promise.resolve();
    connecting ??= new Promise((resolve) =>
      redis.once("ready", () => {
        connecting = null;
        resolve();
      }),
    );
    return connecting;
  };
  const keyOf = (of: Whereabouts) => `{${prefix}}:installation:${nameOf(of)}`;
  return {
    async read(of) {
      await connected();
      return parse(await redis.get(keyOf(of)));
    },
    replace: async (of, before, mark) =>
      (await redis.eval(REPLACE, 1, keyOf(of), before?.text ?? "", write(mark))) === 1,
  };
}

/** In a folder that outlives Redis and database, where there is one. Written whole; of several writers the last one wins. */
export function folderMarks(folder: string): MarkStore {
  const fileOf = (of: Whereabouts) => join(folder, nameOf(of));
  return {
    async read(of) {
      try {
        return parse(await readFile(fileOf(of), "utf8"));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async replace(of, _before, mark) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const partial = `${fileOf(of)}.${randomBytes(4).toString("hex")}.partial`;
      await writeFile(partial, write(mark), { mode: 0o600, flush: true });
      await rename(partial, fileOf(of));
      return true;
    },
  };
}
