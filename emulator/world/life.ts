import type { World, WorldChange, WorldChannel, WorldGroup, WorldUser } from "./model.ts";
import { composeService } from "./posts.ts";

type LifeMethod =
  | "setUsername"
  | "ban"
  | "unban"
  | "deleteChannel"
  | "addGroup"
  | "joinGroup"
  | "leaveGroup"
  | "pointGroup";

/** What can happen to a channel or a group as a whole, over the insides of a world. */
export function channelLife(inside: {
  readonly userOf: (id: bigint) => WorldUser;
  readonly channelOf: (id: bigint) => WorldChannel;
  readonly groups: Map<bigint, WorldGroup>;
  readonly byUsername: Map<string, WorldChannel>;
  readonly emit: (change: WorldChange) => void;
}): Pick<World, LifeMethod> {
  const { userOf, channelOf, groups, byUsername, emit } = inside;
  const groupOf = (id: bigint): WorldGroup => {
    const group = groups.get(id);
    if (!group) throw new Error(`no group ${id}`);
    return group;
  };
  const freeUsername = (channel: WorldChannel) => {
    if (channel.username !== null) byUsername.delete(channel.username.toLowerCase());
    channel.username = null;
  };

  return {
    setUsername(channelId, username) {
      const channel = channelOf(channelId);
      if (channel.isDeleted) throw new Error(`channel ${channelId} is deleted`);
      if (channel.username === username) return;
      const holder = username === null ? undefined : byUsername.get(username.toLowerCase());
      if (holder && holder !== channel) throw new Error(`username ${username} is taken`);
      freeUsername(channel);
      if (username !== null) byUsername.set(username.toLowerCase(), channel);
      channel.username = username;
      channel.isPrivate = username === null;
      emit({ kind: "username", channelId, username });
    },

    ban(userId, channelId) {
      const channel = channelOf(channelId);
      const { joined } = userOf(userId);
      if (channel.banned.has(userId)) return;
      channel.banned.add(userId);
      if (joined.delete(channelId)) channel.participants -= 1;
      emit({ kind: "ban", userId, channelId });
    },

    unban(userId, channelId) {
      const channel = channelOf(channelId);
      const { joined } = userOf(userId);
      if (!channel.banned.delete(userId)) return;
      if (channel.isPrivate) {
        joined.add(channelId);
        channel.participants += 1;
      }
      emit({ kind: "unban", userId, channelId });
    },

    deleteChannel(channelId) {
      const channel = channelOf(channelId);
      if (channel.isDeleted) return;
      freeUsername(channel);
      channel.isDeleted = true;
      emit({ kind: "delete_channel", channelId });
    },

    addGroup(given) {
      if (groups.has(given.id)) throw new Error(`group ${given.id} exists`);
      const group: WorldGroup = { ...given, members: new Set(), removed: new Set(), migratedTo: null };
      groups.set(group.id, group);
      emit({ kind: "group", group: given });
      return group;
    },

    joinGroup(userId, groupId) {
      const group = groupOf(groupId);
      userOf(userId);
      if (group.members.has(userId)) return;
      group.members.add(userId);
      group.removed.delete(userId);
      emit({ kind: "join_group", userId, groupId });
    },

    leaveGroup(userId, groupId) {
      const group = groupOf(groupId);
      if (!group.members.delete(userId)) return;
      group.removed.add(userId);
      emit({ kind: "leave_group", userId, groupId });
    },

    pointGroup(groupId, channelId) {
      const group = groupOf(groupId);
      const channel = channelOf(channelId);
      group.migratedTo = channelId;
      channel.migratedFrom = groupId;
      emit({ kind: "migrate", groupId, channelId });
    },
  };
}

/** A basic group becomes a supergroup of the same members, which begins with the service message that says so. */
export function migrateGroup(
  world: World,
  { groupId, channelId, date }: { readonly groupId: bigint; readonly channelId: bigint; readonly date: number },
): WorldChannel {
  const group = world.groups.get(groupId);
  if (!group || group.migratedTo !== null) throw new Error(`group ${groupId} cannot migrate`);
  const { title } = group;
  const channel = world.addChannel({ id: channelId, title, username: null, megagroup: true, date, isPrivate: true });
  for (const userId of group.members) world.join(userId, channelId);
  world.pointGroup(groupId, channelId);
  world.post(channelId, composeService(date, { type: "chat_migrate_from", title, chatId: groupId }));
  return channel;
}
