import type { ChannelAccess } from "../../db/channels.ts";
import type { ChannelInfo, ChannelRef, DialogState, TelegramApi } from "../../telegram/api.ts";
import { PeerGone, RpcRefused } from "../../telegram/errors.ts";
import type { Seen } from "./decide.ts";

/** A channel to look at, as one account may address it. */
export type ScanTarget = Pick<ChannelAccess, "channelId" | "accessHash" | "joined">;

export interface SeenChannel extends Seen {
  readonly channelId: bigint;
  readonly info: ChannelInfo;
}

export interface ScanResult {
  readonly seen: readonly SeenChannel[];
  /** Out of this account's reach, and why. */
  readonly gone: readonly { readonly channelId: bigint; readonly error: PeerGone | RpcRefused }[];
}

/**
 * Whether `getPeerDialogs` answers for channels that an account has not joined. It is not documented; once it turned
 * out that it does not, they are looked at with `getFullChannel` straight away.
 */
export interface ScanHints {
  servesUnjoined: boolean;
}

/**
 * Looks at many channels with one `getPeerDialogs` for each `batch` of them. One bad peer fails a whole call: the batch
 * is halved until the culprit stands alone. Channels that come back without a pts, or not at all, or whose refusal says
 * nothing about them, are asked for one by one with `getFullChannel`.
 */
export async function scanChanges(
  api: Pick<TelegramApi, "peerDialogs" | "fullChannel">,
  targets: readonly ScanTarget[],
  options: { readonly batch: number; readonly hints: ScanHints },
): Promise<ScanResult> {
  const seen: SeenChannel[] = [];
  const gone: { channelId: bigint; error: PeerGone | RpcRefused }[] = [];

  const askFull = async (target: ScanTarget): Promise<boolean> => {
    try {
      const full = await api.fullChannel(refOf(target));
      seen.push({ channelId: target.channelId, info: full.info, pts: full.pts, topMessageId: 0 });
      return true;
    } catch (error) {
      if (!isOnePeers(error)) throw error;
      gone.push({ channelId: target.channelId, error });
      return false;
    }
  };

  const askDialogs = async (batch: readonly ScanTarget[]): Promise<void> => {
    const [first] = batch;
    if (!first) return;
    let dialogs: readonly DialogState[];
    try {
      dialogs = await api.peerDialogs(batch.map(refOf));
    } catch (error) {
      if (!isOnePeers(error)) throw error;
      if (batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await askDialogs(batch.slice(0, half));
        await askDialogs(batch.slice(half));
      } else if (first.joined && error instanceof PeerGone) {
        gone.push({ channelId: first.channelId, error });
      } else if ((await askFull(first)) && !first.joined) {
        options.hints.servesUnjoined = false;
      }
      return;
    }
    const byId = new Map(dialogs.map((dialog) => [dialog.channelId, dialog]));
    for (const target of batch) {
      const dialog = byId.get(target.channelId);
      if (dialog && dialog.pts !== null) seen.push({ ...dialog, pts: dialog.pts });
      else await askFull(target);
    }
  };

  const inDialogs = targets.filter((target) => target.joined || options.hints.servesUnjoined);
  for (let start = 0; start < inDialogs.length; start += options.batch) {
    await askDialogs(inDialogs.slice(start, start + options.batch));
  }
  for (const target of targets) {
    if (!inDialogs.includes(target)) await askFull(target);
  }
  return { seen, gone };
}

const refOf = (target: ScanTarget): ChannelRef => ({ id: target.channelId, accessHash: target.accessHash });

/** Refused for the sake of what was asked about, so that asking about less may help. */
const isOnePeers = (error: unknown): error is PeerGone | RpcRefused =>
  error instanceof PeerGone || error instanceof RpcRefused;
