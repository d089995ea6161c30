import { unzipSync } from "node:zlib";
// Whole: GramJS's modules import each other in circles.
import { Api } from "telegram";
import { TypeNotFoundError } from "telegram/errors/Common.js";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { coreObjects, GZIPPacked, MessageContainer, RPCResult, TLMessage } from "telegram/tl/core/index.js";

/**
 * What an answer may unpack to. A hundred long posts with all that hangs on them are some MiB; a bomb is a thousand
 * times its packed size, and decoded objects are many times the bytes that they came in.
 */
export const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

const GZIP_MAGIC = 0x1f8b;

/** A data center puts some dozens of messages into one container. */
const MAX_CONTAINER_MESSAGES = 1_024;

/**
 * Makes GramJS read what is around answers strictly, for the whole process. Its own readers take every length as it is
 * said (a negative one makes the same message be read for ever), inflate without an end, and are asynchronous: of two
 * messages in one container that cannot be read the second one's rejection has nobody to hear it, and ends the process.
 *
 * What our TL layer does not know is passed over; what is malformed is thrown, and ends its connection. The answer to a
 * call is unpacked when its body is asked for: one that nobody waits for any more never is, and one that does not
 * unpack fails its own call.
 */
export function useStrictReaders(): void {
  for (const [{ CONSTRUCTOR_ID }, fromReader] of READERS)
    (coreObjects as Map<number, unknown>).set(CONSTRUCTOR_ID, { fromReader });
}

const READERS: readonly (readonly [{ CONSTRUCTOR_ID: number }, (reader: BinaryReader) => unknown])[] = [
  [RPCResult, readAnswer],
  [GZIPPacked, readPacked],
  [MessageContainer, readContainer],
];

function readAnswer(reader: BinaryReader): RPCResult {
  const requestId = reader.readLong();
  const body = reader.read();
  const kind = body.length < 4 ? 0 : body.readUInt32LE(0);
  if (kind === Api.RpcError.CONSTRUCTOR_ID)
    return new RPCResult(requestId, undefined, new BinaryReader(body).tgReadObject());
  const answer = new RPCResult(requestId, body);
  if (kind === GZIPPacked.CONSTRUCTOR_ID)
    Object.defineProperty(answer, "body", { get: () => unpack(new BinaryReader(body.subarray(4)).tgReadBytes()) });
  return answer;
}

function readPacked(reader: BinaryReader): GZIPPacked {
  const data = unpack(reader.tgReadBytes());
  // One that unpacks to itself would be unpacked for ever.
  if (data.length >= 4 && data.readUInt32LE(0) === GZIPPacked.CONSTRUCTOR_ID) throw new Error("packed twice");
  return new GZIPPacked(data);
}

function readContainer(reader: BinaryReader): MessageContainer {
  const count = reader.readInt();
  if (count < 0 || count > MAX_CONTAINER_MESSAGES) throw new Error(`a container of ${count} messages`);
  const messages: TLMessage[] = [];
  for (let read = 0; read < count; read += 1) {
    const msgId = reader.readLong();
    const seqNo = reader.readInt();
    const length = reader.readInt();
    if (length < 4 || length % 4 !== 0) throw new Error(`a message of ${length} bytes in a container`);
    const body = reader.read(length);
    if (body.readUInt32LE(0) === MessageContainer.CONSTRUCTOR_ID) throw new Error("a container in a container");
    try {
      messages.push(new TLMessage(msgId, seqNo, new BinaryReader(body).tgReadObject()));
    } catch (error) {
      if (!(error instanceof TypeNotFoundError)) throw error;
    }
  }
  return new MessageContainer(messages);
}

/** Gzip, and the form of zlib. Gzip says at its end how much it is (RFC 1952): an honest bomb is not even begun. */
function unpack(packed: Buffer): Buffer {
  const isGzip = packed.length > 4 && packed.readUInt16BE(0) === GZIP_MAGIC;
  if (isGzip && packed.readUInt32LE(packed.length - 4) > MAX_UNPACKED_BYTES) throw new Error("unpacks to too much");
  return unzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
}
