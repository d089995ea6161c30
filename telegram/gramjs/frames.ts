import { ConnectionTCPFull, FullPacketCodec } from "telegram/network/connection/TCPFull.js";

/** A container has 1 MiB at most (core.telegram.org/mtproto/service_messages#containers); files, with more, we never ask for. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Length, sequence number and checksum around at least a transport error of four bytes. */
const MIN_FRAME_BYTES = 16;

/** How long a frame says that it is: GramJS waits for as much, up to 2 GiB, and keeps what comes meanwhile. */
class BoundedPacketCodec extends FullPacketCodec {
  override async readPacket(reader: Parameters<FullPacketCodec["readPacket"]>[0]): Promise<Buffer> {
    let head: Buffer | null = await reader.readExactly(8);
    const length = head.readInt32LE(0);
    // Below 0 is Telegram's way of saying an error without a frame, which GramJS knows.
    if (length >= 0 && (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES || length % 4 !== 0))
      throw new Error(`a frame of ${length} bytes`);
    const readExactly = async (bytes: number): Promise<Buffer> => {
      const first = head;
      head = null;
      return first ?? reader.readExactly(bytes);
    };
    return super.readPacket({ readExactly } as typeof reader);
  }
}

/** GramJS's TCP transport with an end to how long a frame may be. What is no frame ends the connection. */
export class BoundedTcp extends ConnectionTCPFull {
  override PacketCodecClass = BoundedPacketCodec;
}
