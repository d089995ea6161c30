import type { World, WorldChannel } from "./model.ts";
import { channelTitle, composePhoto, composePosts, composeService } from "./posts.ts";
import { createRandom, type Random } from "./random.ts";

export interface Generated {
  readonly seed: string | number;
  readonly users: number;
  readonly channels: number;
  /** Unix seconds: the history ends shortly before. */
  readonly createdAt: number;
  /** The data centers among which users are spread. */
  readonly dcIds?: readonly number[];
}

const DAY = 86_400;
/** The second channel (or the only one): long enough for several pages and more than one backfill job. */
const LONG_HISTORY = 1_500;

/** Fills a world: the same arguments, the same world. */
export function generateWorld(world: World, options: Generated): void {
  const random = createRandom(options.seed);
  generateUsers(world, random.fork("users"), options);
  for (let index = 0; index < options.channels; index += 1)
    generateChannel(world, random.fork(`channel ${index}`), index, options);
  joinChannels(world, random.fork("joins"));
}

function generateUsers(world: World, random: Random, { users, dcIds = [1, 2, 3] }: Generated): void {
  const taken = new Map<number, number>();
  let id = 6_000_000_000n;
  for (let index = 0; index < users; index += 1) {
    id += BigInt(random.int(1, 9_999));
    const dcId = random.pick(dcIds);
    const number = (taken.get(dcId) ?? 0) + 1;
    taken.set(dcId, number);
    world.addUser({
      id,
      phone: testPhone(dcId, number),
      firstName: random.pick(["Ada", "Bruno", "Chen", "Дарья", "إيمان", "फ़राह", "Greta", "海斗"]),
      username: index % 3 === 0 ? `user_${id}` : null,
      dcId,
      premium: index % 2 === 0,
      password: null,
    });
  }
}

/** Telegram's test phones: 99966, the DC, four digits; more digits where four are used up. */
export function testPhone(dcId: number, number: number): string {
  return `99966${dcId}${String(number).padStart(4, "0")}`;
}

function generateChannel(world: World, random: Random, index: number, options: Generated): void {
  const megagroup = index % 7 === 4;
  const isPrivate = index % 6 === 5;
  const long = index === Math.min(1, options.channels - 1);
  const length = long ? LONG_HISTORY : random.int(20, 150);
  const date = options.createdAt - random.int(20, 60) * DAY;
  // Some ids lie beyond 31 bits, as new channels' do.
  const id = 1_500_000_000n + BigInt(index) * 40_000_003n + BigInt(random.int(0, 9_999_999));
  const title = channelTitle(random);
  const channel = world.addChannel({
    id,
    title,
    username: isPrivate ? null : `channel_${index + 1}_${random.int(100, 999)}`,
    megagroup,
    date,
    isPrivate,
  });
  world.post(id, composeService(date, { type: "channel_create", title }));
  world.post(id, composeService(date + 1, composePhoto(random)));
  generateHistory(world, random, channel, length, options.createdAt);
}

function generateHistory(world: World, random: Random, channel: WorldChannel, length: number, createdAt: number): void {
  const { id } = channel;
  const first = channel.date + 60;
  const step = (createdAt - 120 - first) / length;
  for (let written = 0; written < length; written += 1) {
    const date = Math.floor(first + written * step + random.next() * step);
    if (written === Math.floor(length / 3))
      world.post(id, composeService(date, { type: "chat_edit_title", title: `${channel.title} 2` }));
    const posts = composePosts(random, channel, date).map((post) => world.post(id, edited(random, post, createdAt)));
    written += posts.length - 1;
    const newest = posts.at(-1);
    if (newest && random.chance(0.02)) {
      world.pin(id, [newest.id], true);
      world.post(id, composeService(date, { type: "pin_message" }, newest.id));
    }
    // Gaps, left by what was deleted since.
    if (random.chance(0.06)) world.remove(id, [random.int(3, channel.topId)]);
  }
}

function edited<P extends { date: number }>(random: Random, post: P, createdAt: number): P {
  if (!random.chance(0.2)) return post;
  return {
    ...post,
    editDate: Math.min(createdAt - 60, post.date + random.int(5, 90_000)),
    editHide: random.chance(0.1),
  };
}

/** Everybody joins 5 to 15 channels (or all there are); nobody's channel stays without a follower. */
function joinChannels(world: World, random: Random): void {
  const channels = [...world.channels.keys()];
  const users = [...world.users.keys()];
  for (const user of users) for (const channel of random.sample(channels, random.int(5, 15))) world.join(user, channel);
  if (users.length === 0) return;
  for (const [id, channel] of world.channels) if (channel.participants === 0) world.join(random.pick(users), id);
}
