import { OperatorError } from "../../runtime/operator-error.ts";
import type { World, WorldChange } from "./model.ts";

/**
 * Makes a recorded change happen again.
 *
 * @throws OperatorError where it does not fit: the world that it was recorded on began differently
 */
export function applyChange(world: World, change: WorldChange): void {
  try {
    apply(world, change);
  } catch (error) {
    throw new OperatorError(`the world's journal does not fit its beginning: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!("pts" in change)) return;
  const pts = world.channels.get(change.channelId)?.pts;
  if (pts !== change.pts)
    throw new OperatorError(
      `the world's journal does not fit its beginning: channel ${change.channelId} is at pts ${pts} where it was at ${change.pts}`,
    );
}

function apply(world: World, change: WorldChange): void {
  switch (change.kind) {
    case "user":
      world.addUser(change.user);
      break;
    case "channel":
      world.addChannel(change.channel);
      break;
    case "join":
      world.join(change.userId, change.channelId);
      break;
    case "leave":
      world.leave(change.userId, change.channelId);
      break;
    case "ban":
      world.ban(change.userId, change.channelId);
      break;
    case "unban":
      world.unban(change.userId, change.channelId);
      break;
    case "username":
      world.setUsername(change.channelId, change.username);
      break;
    case "delete_channel":
      world.deleteChannel(change.channelId);
      break;
    case "group":
      world.addGroup(change.group);
      break;
    case "join_group":
      world.joinGroup(change.userId, change.groupId);
      break;
    case "leave_group":
      world.leaveGroup(change.userId, change.groupId);
      break;
    case "migrate":
      world.pointGroup(change.groupId, change.channelId);
      break;
    case "post":
      world.post(change.channelId, change.message);
      break;
    case "edit":
      world.edit(change.channelId, change.message.id, change.message);
      break;
    case "delete":
      world.remove(change.channelId, change.messageIds);
      break;
    case "pin":
      world.pin(change.channelId, change.messageIds, change.pinned);
  }
}
