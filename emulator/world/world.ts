import type { Clock } from "../../runtime/clock.ts";
import { addEvent, DEFAULT_MAX_EVENTS } from "./events.ts";
import { channelLife } from "./life.ts";
import type { World, WorldChange, WorldChannel, WorldGroup, WorldMessage, WorldUser } from "./model.ts";

export interface WorldOptions {
  readonly clock: Pick<Clock, "now">;
  /** Gets every change as `append("world", change)`. */
  readonly journal?: { append(kind: string, payload: unknown): void };
  /** How many events a channel keeps for differences; who asks from further back gets TooLong. */
  readonly maxEvents?: number;
}

/** An empty world. Its methods throw `Error` where a caller names a user, channel or message that does not exist. */
export function createWorld({ clock, journal, maxEvents = DEFAULT_MAX_EVENTS }: WorldOptions): World {
  const users = new Map<bigint, WorldUser>();
  const channels = new Map<bigint, WorldChannel>();
  const groups = new Map<bigint, WorldGroup>();
  const byPhone = new Map<string, WorldUser>();
  const byUsername = new Map<string, WorldChannel>();
  const listeners = new Set<(change: WorldChange) => void>();
  if (journal) listeners.add((change) => journal.append("world", change));

  const emit = (change: WorldChange) => {
    for (const listener of listeners) listener(change);
  };
  const userOf = (id: bigint) => users.get(id) ?? missing(`user ${id}`);
  const channelOf = (id: bigint) => channels.get(id) ?? missing(`channel ${id}`);

  return {
    users,
    channels,
    groups,
    ...channelLife({ userOf, channelOf, groups, byUsername, emit }),
    addUser(given) {
      if (users.has(given.id)) throw new Error(`user ${given.id} exists`);
      if (byPhone.has(digits(given.phone))) throw new Error(`phone ${given.phone} is taken`);
      const user = { ...given, joined: new Set<bigint>() };
      users.set(user.id, user);
      byPhone.set(digits(user.phone), user);
      emit({ kind: "user", user: given });
      return user;
    },

    addChannel(given) {
      if (channels.has(given.id)) throw new Error(`channel ${given.id} exists`);
      const name = given.username?.toLowerCase();
      if (name !== undefined && byUsername.has(name)) throw new Error(`username ${given.username} is taken`);
      const facts = { ...given, exported: given.exported ?? false };
      const channel: WorldChannel = {
        ...facts,
        isDeleted: false,
        banned: new Set(),
        migratedFrom: null,
        participants: 0,
        pts: 1,
        topId: 0,
        messages: new Map(),
        deleted: new Set(),
        events: [],
        edits: new Map(),
        availableMinId: new Map(),
      };
      channels.set(channel.id, channel);
      if (name !== undefined) byUsername.set(name, channel);
      emit({ kind: "channel", channel: facts });
      return channel;
    },

    join(userId, channelId) {
      const { joined } = userOf(userId);
      const channel = channelOf(channelId);
      if (joined.has(channelId)) return;
      joined.add(channelId);
      channel.participants += 1;
      emit({ kind: "join", userId, channelId });
    },

    leave(userId, channelId) {
      const channel = channelOf(channelId);
      if (!userOf(userId).joined.delete(channelId)) return;
      channel.participants -= 1;
      emit({ kind: "leave", userId, channelId });
    },

    post(channelId, given) {
      const channel = channelOf(channelId);
      const id = given.id ?? channel.topId + 1;
      if (id <= channel.topId) throw new Error(`message ${id} of channel ${channelId} is not above ${channel.topId}`);
      const message: WorldMessage = { ...given, id };
      // Ids that were skipped once had a message, as far as anybody can tell; not where a channel's ids begin far up.
      if (id - channel.topId <= LONGEST_GAP)
        for (let gap = channel.topId + 1; gap < id; gap += 1) channel.deleted.add(gap);
      channel.topId = id;
      channel.messages.set(id, message);
      if (message.action?.type === "chat_edit_title") channel.title = message.action.title;
      addEvent(channel, { kind: "new", messageId: id }, 1, maxEvents);
      emit({ kind: "post", channelId, pts: channel.pts, message });
      return message;
    },

    edit(channelId, messageId, change) {
      const channel = channelOf(channelId);
      const before = channel.messages.get(messageId) ?? missing(`message ${messageId} of channel ${channelId}`);
      const asked = change.editDate === undefined ? Math.floor(clock.now() / 1000) : change.editDate;
      // Telegram's edit dates never lie before the post, whatever a clock says.
      const editDate = asked === null ? null : Math.max(asked, before.date, before.editDate ?? 0);
      const message: WorldMessage = { ...before, ...change, editDate, id: messageId };
      channel.messages.set(messageId, message);
      channel.edits.set(messageId, (channel.edits.get(messageId) ?? 0) + 1);
      addEvent(channel, { kind: "edit", messageId }, 1, maxEvents);
      emit({ kind: "edit", channelId, pts: channel.pts, message });
      return message;
    },

    remove(channelId, messageIds) {
      const channel = channelOf(channelId);
      const living = [...new Set(messageIds)].filter((id) => channel.messages.has(id));
      if (living.length === 0) return;
      for (const id of living) {
        channel.messages.delete(id);
        channel.deleted.add(id);
      }
      addEvent(channel, { kind: "delete", messageIds: living }, living.length, maxEvents);
      emit({ kind: "delete", channelId, pts: channel.pts, messageIds: living });
    },

    pin(channelId, messageIds, pinned) {
      const channel = channelOf(channelId);
      const changed = [...new Set(messageIds)].filter((id) => (channel.messages.get(id)?.pinned ?? pinned) !== pinned);
      if (changed.length === 0) return;
      for (const id of changed) {
        const message = channel.messages.get(id);
        if (message) channel.messages.set(id, { ...message, pinned });
      }
      addEvent(channel, { kind: "pin", messageIds: changed, pinned }, changed.length, maxEvents);
      emit({ kind: "pin", channelId, pts: channel.pts, messageIds: changed, pinned });
    },

    userByPhone: (phone) => byPhone.get(digits(phone)),
    channelByUsername: (username) => byUsername.get(username.replace(/^@/, "").toLowerCase()),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Ids skipped at once that are kept as deleted: a set of them takes memory for each. */
const LONGEST_GAP = 1 << 16;

const digits = (phone: string) => phone.replace(/\D/g, "");

function missing(what: string): never {
  throw new Error(`no ${what}`);
}
