import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseWorldFile } from "../../formats/world-file.ts";
import type { Clock } from "../../runtime/clock.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { generateWorld } from "./generate.ts";
import { type Journal, openJournal } from "./journal.ts";
import { loadDesktopChannel } from "./load-desktop.ts";
import { loadTlChannel } from "./load-tl.ts";
import type { World, WorldChange, WorldChannel } from "./model.ts";
import { applyChange } from "./replay.ts";
import { createWorld } from "./world.ts";

export interface OpenWorldOptions {
  /** Where the journal lies (`world.jsonl`); null: the world ends with the process. */
  readonly dir: string | null;
  readonly seed: string | number;
  readonly users: number;
  /** How many channels are generated, beside those of `files`. */
  readonly channels: number;
  /** Telegram Desktop exports and messages as TL dictionaries; every user follows their channels. */
  readonly files?: readonly string[];
  readonly dcIds?: readonly number[];
  readonly maxEvents?: number;
  readonly clock: Pick<Clock, "now">;
}

export interface OpenWorld {
  readonly world: World;
  /** Null without `dir`. Others may append their own kinds (auth keys) and replay them. */
  readonly journal: Journal | null;
  /** When this world began, in Unix seconds: its generated past ends here. */
  readonly createdAt: number;
  close(): void;
}

/** The journal's first line: what the world is made from before anything happens in it. */
interface Beginning {
  readonly createdAt: number;
  readonly seed: string;
  readonly users: number;
  readonly channels: number;
  readonly dcIds: readonly number[];
  readonly files: readonly string[];
}

/**
 * Makes a world, or goes on with the one in `dir`: its beginning, made again from the same seed and files, and every
 * change since. From then on each change is written down before anybody can see it.
 *
 * @throws OperatorError where a file is neither of these, or `dir` holds a world that began with other options
 */
export function openWorld(options: OpenWorldOptions): OpenWorld {
  const files = (options.files ?? []).map((name) => ({ name, bytes: readWorldFile(name) }));
  const asked: Omit<Beginning, "createdAt"> = {
    seed: String(options.seed),
    users: options.users,
    channels: options.channels,
    dcIds: options.dcIds ?? [1, 2, 3],
    // By name too: the channel's username comes from it.
    files: files.map(({ name, bytes }) => `${basename(name)} ${createHash("sha256").update(bytes).digest("hex")}`),
  };
  // Before the journal is touched: a file that is no export leaves nothing behind.
  const loads = files.flatMap(({ name, bytes }) => loadsOf(name, bytes));
  const world = createWorld({
    clock: options.clock,
    ...(options.maxEvents === undefined ? {} : { maxEvents: options.maxEvents }),
  });
  const build = (createdAt: number) => {
    generateWorld(world, { ...options, createdAt });
    for (const load of loads) {
      const { id } = load(world);
      for (const user of world.users.keys()) world.join(user, id);
    }
  };

  const now = Math.floor(options.clock.now() / 1000);
  if (options.dir === null) {
    build(now);
    return { world, journal: null, createdAt: now, close() {} };
  }
  const journal = openJournal(join(options.dir, "world.jsonl"));
  try {
    const recorded = readBeginning(journal, asked, options.dir);
    const createdAt = recorded?.createdAt ?? now;
    build(createdAt);
    if (!recorded) journal.append("beginning", { ...asked, createdAt });
    for (const { payload } of journal.replay("world")) applyChange(world, payload as WorldChange);
    const end = world.onChange((change) => journal.append("world", change));
    return {
      world,
      journal,
      createdAt,
      close() {
        end();
        journal.close();
      },
    };
  } catch (error) {
    journal.close();
    throw error;
  }
}

function readBeginning(journal: Journal, asked: Omit<Beginning, "createdAt">, dir: string): Beginning | null {
  const [first] = journal.replay();
  if (!first) return null;
  if (first.kind !== "beginning") throw new OperatorError(`${dir}: world.jsonl does not begin as a world does`);
  const beginning = first.payload as Beginning;
  const { createdAt: _, ...recorded } = beginning;
  for (const option of Object.keys(asked) as (keyof typeof asked)[])
    if (!isDeepStrictEqual(recorded[option], asked[option]))
      throw new OperatorError(
        `${dir} holds an emulated world that began with other ${option}: use the same options, or another data directory`,
      );
  return beginning;
}

/** What puts a file's channels into a world, one each. */
function loadsOf(name: string, bytes: Buffer): ((world: World) => WorldChannel)[] {
  const file = parseWorldFile(bytes, name);
  return file.format === "desktop"
    ? file.channels.map((channel) => (world) => loadDesktopChannel(world, channel, name))
    : file.channels.map((channel) => (world) => loadTlChannel(world, channel, name));
}

function readWorldFile(name: string): Buffer {
  try {
    return readFileSync(name);
  } catch (error) {
    throw new OperatorError(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`, {
      cause: error,
    });
  }
}
