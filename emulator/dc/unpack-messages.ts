import { TlReadError, TlReader } from "../tl/primitives.ts";
import { GZIP_PACKED, unpackGzip } from "./gzip.ts";

const MSG_CONTAINER = 0x73f1f8dc;
/** Telegram refuses containers of more (core.telegram.org/mtproto/service_messages#containers). */
const MAX_MESSAGES = 1020;

/** One message of a client: alone, or out of a container. */
export interface IncomingMessage {
  readonly msgId: bigint;
  readonly seqNo: number;
  /** A boxed object, unpacked where it was gzipped. */
  readonly body: Buffer;
}

/** A container that is none: nested, too long, or cut off. */
export class ContainerError extends Error {
  override name = "ContainerError";
}

/**
 * The messages in what a client sent, in the order in which they stand.
 *
 * @throws ContainerError, and TlReadError where a gzipped message does not unpack
 */
export function unpackMessages(outer: IncomingMessage): { isContainer: boolean; messages: IncomingMessage[] } {
  const body = ungzip(outer.body);
  if (body.readUInt32LE(0) !== MSG_CONTAINER) return { isContainer: false, messages: [{ ...outer, body }] };
  try {
    return { isContainer: true, messages: readContainer(new TlReader(body, 4)) };
  } catch (error) {
    if (error instanceof TlReadError) throw new ContainerError("a container cut off", { cause: error });
    throw error;
  }
}

function readContainer(reader: TlReader): IncomingMessage[] {
  const count = reader.int();
  if (count < 0 || count > MAX_MESSAGES) throw new ContainerError(`a container of ${count} messages`);
  return Array.from({ length: count }, () => {
    const msgId = reader.long();
    const seqNo = reader.int();
    const length = reader.int();
    if (length < 4) throw new ContainerError(`a message of ${length} bytes`);
    const body = ungzip(reader.raw(length));
    if (body.readUInt32LE(0) === MSG_CONTAINER) throw new ContainerError("a container in a container");
    return { msgId, seqNo, body };
  });
}

function ungzip(body: Buffer): Buffer {
  if (body.readUInt32LE(0) !== GZIP_PACKED) return body;
  const unpacked = unpackGzip(new TlReader(body, 4).bytes());
  if (unpacked.length < 4) throw new TlReadError("an empty gzip_packed");
  return unpacked;
}
