import bigInt from "big-integer";
import fc from "fast-check";
import { Api } from "telegram";
import { expect, it } from "vitest";
import { toInputChannel, toInputPeer } from "../../telegram/gramjs/ids.ts";

const long = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, -(2n ** 63n), 2n ** 63n - 1n),
);

it("writes a channel's address as GramJS does", () => {
  fc.assert(
    fc.property(long, long, (id, accessHash) => {
      const args = { channelId: bigInt(id), accessHash: bigInt(accessHash) };
      const [peer, channel] = [toInputPeer({ id, accessHash }), toInputChannel({ id, accessHash })];
      expect(peer.getBytes()).toEqual(new Api.InputPeerChannel(args).getBytes());
      expect(channel.getBytes()).toEqual(new Api.InputChannel(args).getBytes());
      const dialog = (of: Api.TypeInputPeer) => new Api.InputDialogPeer({ peer: of }).getBytes();
      expect(dialog(peer)).toEqual(dialog(new Api.InputPeerChannel(args)));
    }),
  );
});
