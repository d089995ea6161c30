import type { Clock } from "../../runtime/clock.ts";
import type { World, WorldChannel, WorldMessage } from "./model.ts";
import { composeAlbum, composePost, composeService } from "./posts.ts";
import { createRandom, type Random } from "./random.ts";
import { editText } from "./texts.ts";

/** Of all steps, how many edit and delete; the rest posts. */
export interface TrafficMix {
  readonly editShare: number;
  readonly deleteShare: number;
}

export const DEFAULT_MIX: TrafficMix = { editShare: 0.15, deleteShare: 0.05 };

export interface TrafficStep {
  readonly kind: "post" | "album" | "edit" | "delete" | "pin" | "nothing";
  readonly channelId: bigint | null;
  /** How many messages were made. */
  readonly posted: number;
}

/** Edits and deletions meet the newest messages mostly: those that readers are just about to read. */
const RECENT = 30;

/**
 * One thing happens in one random channel: a post, an album, an edit, a deletion, a pin. Channels loaded from exports
 * are left as exported. `now` in milliseconds. Draws from `random` alone, and takes no time.
 */
export function trafficStep(world: World, random: Random, now: number, mix: TrafficMix = DEFAULT_MIX): TrafficStep {
  const channels = [...world.channels.values()].filter((channel) => !channel.exported && !channel.isDeleted);
  if (channels.length === 0) return { kind: "nothing", channelId: null, posted: 0 };
  const channel = random.pick(channels);
  const date = Math.floor(now / 1000);
  const roll = random.next();
  const edits = roll < mix.editShare;
  const target = roll < mix.editShare + mix.deleteShare ? recentMessage(channel, random, edits) : undefined;
  if (target && edits) {
    const { message, entities } = editText(random, target, (channel.edits.get(target.id) ?? 0) + 1);
    world.edit(channel.id, target.id, { message, entities, editDate: date, editHide: false });
    return { kind: "edit", channelId: channel.id, posted: 0 };
  }
  if (target) {
    world.remove(channel.id, [target.id, ...(random.chance(0.2) ? [target.id - 1] : [])]);
    return { kind: "delete", channelId: channel.id, posted: 0 };
  }
  return postSomething(world, channel, random, date);
}

function postSomething(world: World, channel: WorldChannel, random: Random, date: number): TrafficStep {
  const { id } = channel;
  const roll = random.next();
  if (roll < 0.05) {
    const album = composeAlbum(random, channel, date);
    for (const part of album) world.post(id, part);
    return { kind: "album", channelId: id, posted: album.length };
  }
  const pinned = roll < 0.08 ? recentMessage(channel, random, false) : undefined;
  if (pinned && !pinned.pinned) {
    world.pin(id, [pinned.id], true);
    world.post(id, composeService(date, { type: "pin_message" }, pinned.id));
    return { kind: "pin", channelId: id, posted: 1 };
  }
  world.post(id, composePost(random, channel, date));
  return { kind: "post", channelId: id, posted: 1 };
}

/** One of the newest living messages with content; service messages are neither edited nor deleted here. */
function recentMessage(channel: WorldChannel, random: Random, toEdit: boolean) {
  const recent: WorldMessage[] = [];
  for (let id = Math.max(1, channel.topId - RECENT + 1); id <= channel.topId; id += 1) {
    const message = channel.messages.get(id);
    if (message && message.action === null && (!toEdit || isEditable(message))) recent.push(message);
  }
  return recent.length > 0 ? random.pick(recent) : undefined;
}

/** Telegram lets nobody edit forwards, nor what has no caption. */
function isEditable({ fwdFrom, media }: WorldMessage): boolean {
  if (fwdFrom !== null) return false;
  if (media?.kind === "document") return media.as !== "sticker" && media.as !== "round_video";
  return media === null || media.kind === "photo" || media.kind === "web_page";
}

export interface Traffic {
  /** No step happens afterwards. */
  stop(): void;
  /** What has happened so far. */
  readonly counts: {
    readonly steps: number;
    readonly posted: number;
    readonly edited: number;
    readonly deleted: number;
  };
}

export interface TrafficOptions extends Partial<TrafficMix> {
  readonly seed: string | number;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Over all channels; an album or a pin counts as one. Edits and deletions come on top, by their shares. */
  readonly postsPerMinute: number;
  readonly signal?: AbortSignal;
  /** The timer, for tests: calls `tick` every so many milliseconds until the function that it gives is called. */
  readonly every?: (milliseconds: number, tick: () => void) => () => void;
}

/** How often the timer looks how many steps are due: a few at once then, as in life. */
const TICK_MS = 100;

/**
 * Steps at a steady rate by the monotonic clock until stopped. After a pause of the process it does not catch up by
 * more than a second's worth.
 */
export function startTraffic(world: World, options: TrafficOptions): Traffic {
  // Not the same posts again where a world goes on after a restart.
  const lived = [...world.channels.values()].reduce((sum, channel) => sum + channel.pts, 0);
  const random = createRandom(`${options.seed}/${lived}`);
  const mix = { ...DEFAULT_MIX, ...options };
  const counts = { steps: 0, posted: 0, edited: 0, deleted: 0 };
  const perMs = options.postsPerMinute / 60_000 / Math.max(0.05, 1 - mix.editShare - mix.deleteShare);
  let last = options.clock.monotonic();
  let due = 0;
  const tick = () => {
    const at = options.clock.monotonic();
    due += Math.min(at - last, 1_000) * perMs;
    last = at;
    for (; due >= 1; due -= 1) {
      const step = trafficStep(world, random, options.clock.now(), mix);
      counts.steps += 1;
      counts.posted += step.posted;
      if (step.kind === "edit") counts.edited += 1;
      if (step.kind === "delete") counts.deleted += 1;
    }
  };
  const stop = (options.every ?? every)(TICK_MS, tick);
  if (options.signal?.aborted) stop();
  options.signal?.addEventListener("abort", stop, { once: true });
  return { stop, counts };
}

function every(milliseconds: number, tick: () => void): () => void {
  const timer = setInterval(tick, milliseconds);
  return () => clearInterval(timer);
}
