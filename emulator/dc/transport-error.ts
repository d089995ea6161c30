/**
 * What a data center answers with a negative number in place of a message, and then closes
 * (core.telegram.org/mtproto/mtproto-transports#transport-errors): -404 for a key that it does not know or a handshake
 * that cannot go on, -444 for a client that meant another data center, -429 for too many connections.
 */
export class TransportError extends Error {
  override name = "TransportError";
  readonly code: -404 | -429 | -444;

  constructor(message: string, code: -404 | -429 | -444 = -404) {
    super(message);
    this.code = code;
  }
}
