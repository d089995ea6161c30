import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChannelInfo, ChannelRef, DialogState, FullChannel } from "../../telegram/api.ts";
import { PeerGone, RpcRefused, Transient } from "../../telegram/errors.ts";
import { type ScanTarget, scanChanges } from "../../workers/parse/change-scan.ts";

const infoOf = (id: bigint): ChannelInfo => ({
  id,
  accessHash: id * 7n,
  title: `channel ${id}`,
  username: null,
  kind: "broadcast",
  joined: true,
});
const targets = (count: number, joined = true): ScanTarget[] =>
  Array.from({ length: count }, (_, index) => ({ channelId: BigInt(index + 1), accessHash: 1n, joined }));

/** Fails a whole call for one bad peer, as Telegram does. */
function telegram(
  bad: ReadonlySet<bigint>,
  options: { servesUnjoined?: boolean; withoutPts?: ReadonlySet<bigint> } = {},
) {
  const calls: string[] = [];
  return {
    calls,
    async peerDialogs(channels: readonly ChannelRef[]): Promise<DialogState[]> {
      calls.push(`dialogs ${channels.length}`);
      if (options.servesUnjoined === false || channels.some(({ id }) => bad.has(id)))
        throw new PeerGone("CHANNEL_PRIVATE", "messages.getPeerDialogs", "private");
      return channels.map(({ id }) => ({
        channelId: id,
        pts: options.withoutPts?.has(id) ? null : Number(id) + 100,
        topMessageId: Number(id),
        info: infoOf(id),
      }));
    },
    async fullChannel({ id }: ChannelRef): Promise<FullChannel> {
      calls.push("full");
      if (bad.has(id)) throw new PeerGone("CHANNEL_PRIVATE", "channels.getFullChannel", "private");
      return { info: infoOf(id), pts: Number(id) + 100, participants: null, availableMinId: 0, migratedFrom: null };
    },
  };
}
const options = () => ({ batch: 100, hints: { servesUnjoined: true } });

describe("the change scan", () => {
  it("looks at 100 channels with one call, at 101 with two", async () => {
    const api = telegram(new Set());
    expect((await scanChanges(api, targets(100), options())).seen).toHaveLength(100);
    expect(api.calls).toEqual(["dialogs 100"]);
    await scanChanges(api, targets(101), options());
    expect(api.calls.slice(1)).toEqual(["dialogs 100", "dialogs 1"]);
  });

  it("asks once more about a channel that it joined and that is refused for no reason of its own", async () => {
    const api = telegram(new Set());
    const dialogs = api.peerDialogs;
    // Its newest post is of a newer layer, say: the whole answer cannot be read.
    api.peerDialogs = async (channels) => {
      if (channels.some(({ id }) => id === 2n)) throw new RpcRefused("UNREADABLE_ANSWER", "messages.getPeerDialogs", 0);
      return dialogs(channels);
    };
    const result = await scanChanges(api, targets(3), options());
    expect(result.gone).toEqual([]);
    expect(result.seen.map(({ channelId, pts }) => [channelId, pts]).sort()).toEqual([
      [1n, 101],
      [2n, 102],
      [3n, 103],
    ]);
    expect(api.calls).toEqual(["dialogs 1", "full", "dialogs 1"]);
  });

  it("finds every culprit, and answers for all the others", async () => {
    const culprits = fc.uniqueArray(fc.bigInt({ min: 1n, max: 60n }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(culprits, fc.integer({ min: 1, max: 60 }), async (ids, count) => {
        const bad = new Set(ids.filter((id) => id <= BigInt(count)));
        const api = telegram(bad);
        const { seen, gone } = await scanChanges(api, targets(count), options());
        expect(new Set(gone.map((each) => each.channelId))).toEqual(bad);
        expect(seen).toHaveLength(count - bad.size);
        const halvings = Math.ceil(Math.log2(count)) + 1;
        expect(api.calls.length).toBeLessThanOrEqual(1 + 2 * bad.size * halvings);
      }),
    );
  });

  it("asks singly for channels whose dialog has no pts", async () => {
    const api = telegram(new Set(), { withoutPts: new Set([2n]) });
    const { seen } = await scanChanges(api, targets(3), options());
    expect(api.calls).toEqual(["dialogs 3", "full"]);
    expect(seen.find((each) => each.channelId === 2n)).toMatchObject({ pts: 102, topMessageId: 0 });
  });

  it("learns once that channels which were not joined are not served", async () => {
    const api = telegram(new Set(), { servesUnjoined: false });
    const shared = options();
    const first = await scanChanges(api, targets(2, false), shared);
    expect(first.seen).toHaveLength(2);
    expect(first.gone).toEqual([]);
    const before = api.calls.length;
    await scanChanges(api, targets(2, false), shared);
    expect(api.calls.slice(before)).toEqual(["full", "full"]);
  });

  it("takes nothing but a peer's fault for a peer's fault", async () => {
    const api = telegram(new Set());
    const broken = {
      ...api,
      peerDialogs: async () => {
        throw new Transient("TIMEOUT", "messages.getPeerDialogs");
      },
    };
    await expect(scanChanges(broken, targets(3), options())).rejects.toBeInstanceOf(Transient);
  });
});
