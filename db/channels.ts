/** Channels: what is known of them, who subscribes to them, which account reaches them, and who reads them now. */
export { type ChannelAccess, leastHiddenFromOthers, loseAccess, saveAccess } from "./access.ts";
export {
  type Channel,
  type ChannelFacts,
  findChannel,
  holdChannels,
  loadChannels,
  raiseTop,
  saveChannel,
  saveMigration,
} from "./channel.ts";
export { type ChannelName, normaliseChannelName, parseChannelName } from "./channel-name.ts";
export { type ChannelSummary, listChannels } from "./channel-summary.ts";
export { type ChannelClaim, claimChannel, isBeingRead, releaseChannel } from "./claims.ts";
export { countIds, type IdRange, missingRanges } from "./ranges.ts";
export {
  askAgain,
  type Subscription,
  settleSubscription,
  subscribe,
  subscriptionsOf,
  unsubscribe,
} from "./subscriptions.ts";
