import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { TlReadError, TlWriter } from "../tl/primitives.ts";
import type { AuthKeyStore } from "./auth-keys.ts";
import type { ConnectionState } from "./dispatcher.ts";
import type { Faults } from "./faults.ts";
import { FrameError } from "./framing.ts";
import type { AgreedKey, KeyExchange } from "./key-exchange.ts";
import type { KeyGuard } from "./key-guard.ts";
import { openClientMessage, sealServerMessage } from "./message-cipher.ts";
import type { MessageCarrier, MessageRouter } from "./message-router.ts";
import { msgIdAt } from "./msg-id.ts";
import type { Salts } from "./salts.ts";
import type { AuthKeyRecord, Witness } from "./service.ts";
import { msgContainer } from "./service-messages.ts";
import type { OpenSession, Sessions } from "./sessions.ts";
import { Transport } from "./transport.ts";
import { TransportError } from "./transport-error.ts";

/** A client that reads nothing of so much is given up. */
const MAX_UNSENT_BYTES = 32 * 1024 * 1024;
/** A frame to a client holds no more than this, nor more messages than clients take in a container. */
const MAX_CONTAINER_BYTES = 1024 * 1024;
const MAX_CONTAINER_MESSAGES = 100;
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ConnectionParts {
  readonly connectionId: number;
  readonly dcId: number;
  readonly keys: AuthKeyStore;
  readonly guard: KeyGuard;
  readonly salts: Salts;
  readonly sessions: Sessions<Connection>;
  readonly router: MessageRouter<Connection>;
  readonly keyExchange: (agreed: (key: AgreedKey) => void) => KeyExchange;
  readonly witness: Witness;
  readonly clock: Clock;
  readonly log: Log;
  readonly cut: { readonly received?: number; readonly sent?: number };
  readonly faults: Faults;
}

/** One TCP connection of a client. Whatever comes over it can harm nothing but itself. */
export class Connection implements MessageCarrier {
  readonly state: ConnectionState;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #transport = new Transport();
  readonly #exchange: KeyExchange;
  readonly #sessions = new Set<OpenSession<Connection>>();
  #receivedBytes = 0;
  #sentBytes = 0;
  #flushing: NodeJS.Immediate | null = null;
  #disconnectTimer: NodeJS.Timeout | null = null;
  /** No more is taken; it closes when all is sent. */
  #closing = false;
  #closed = false;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.state = { connectionId: parts.connectionId, apiId: null, layer: null, withoutUpdates: false };
    this.#exchange = parts.keyExchange((agreed) => {
      const record = parts.keys.add(agreed.key, parts.dcId);
      parts.salts.agree(record.keyId, agreed.salt, parts.clock.now());
    });
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    // After the client's end nothing of it can follow: it is closed for the rule about keys.
    socket.on("end", () => this.#onClosed());
    socket.on("close", () => this.#onClosed());
    socket.on("error", () => socket.destroy());
    parts.witness.connectionOpened({ connectionId: parts.connectionId, dcId: parts.dcId, at: parts.clock.now() });
  }

  /** The accounts and keys that this connection has used. */
  keys(): AuthKeyRecord[] {
    return [...new Set([...this.#sessions].map((open) => open.key))];
  }

  destroy(): void {
    this.#socket.destroy();
    this.#onClosed();
  }

  disconnectAfter(seconds: number): void {
    if (this.#disconnectTimer) clearTimeout(this.#disconnectTimer);
    const milliseconds = Math.min(Math.max(seconds, 0) * 1000, MAX_TIMER_MS);
    this.#disconnectTimer = setTimeout(() => this.destroy(), milliseconds).unref();
  }

  closeAfterFlush(): void {
    this.#closing = true;
    this.scheduleFlush();
  }

  scheduleFlush(): void {
    if (this.#closed) return;
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #onData(bytes: Buffer): void {
    if (this.#closing || this.#closed) return;
    const limit = this.#parts.cut.received ?? Number.POSITIVE_INFINITY;
    const taken = bytes.subarray(0, Math.max(0, limit - this.#receivedBytes));
    this.#receivedBytes += taken.length;
    try {
      for (const frame of this.#transport.receive(taken)) {
        this.#frame(frame);
        if (this.#closing || this.#closed) return;
      }
    } catch (error) {
      this.#refuse(error);
    }
    if (this.#receivedBytes < limit) return;
    this.#parts.faults.onCut?.(this.state.connectionId);
    this.destroy();
  }

  #frame(frame: Buffer): void {
    if (frame.length < 8) throw new FrameError(`a message of ${frame.length} bytes`);
    const keyId = frame.readBigInt64LE(0);
    if (keyId === 0n) this.#plain(frame);
    else this.#encrypted(keyId, frame);
  }

  #plain(frame: Buffer): void {
    const length = frame.length < 24 ? -1 : frame.readInt32LE(16);
    if (length < 4 || 20 + length > frame.length) throw new FrameError("an unencrypted message of a wrong length");
    const now = this.#parts.clock.now();
    const answer = this.#exchange.answer(frame.subarray(20, 20 + length), now);
    const message = new TlWriter(20 + answer.length)
      .long(0n)
      .long(msgIdAt(now) | 1n)
      .int(answer.length)
      .raw(answer);
    this.#write(message.finish());
  }

  #encrypted(keyId: bigint, frame: Buffer): void {
    const { keys, guard, witness, sessions, router, dcId, clock } = this.#parts;
    const key = keys.get(keyId);
    const message = key?.dcId === dcId ? openClientMessage(key.key, frame) : null;
    if (!key || !message) throw new TransportError("unknown key or wrong msg_key");
    const { connectionId } = this.state;
    const { first, conflict } = guard.frame(keyId, connectionId, message.sessionId);
    const at = clock.now();
    if (first) witness.keySeen({ connectionId, keyId, sessionId: message.sessionId, at });
    if (conflict && !key.ended) {
      keys.change(key, { ended: { code: 406, errorMessage: "AUTH_KEY_DUPLICATED" } });
      witness.keyKilled({ keyId, accountId: key.accountId, connectionIds: conflict, at });
    }
    const open = sessions.attach(key, message.sessionId, this);
    this.#sessions.add(open);
    router.take(open, this, message);
  }

  #flush(): void {
    this.#flushing = null;
    if (this.#closed) return;
    for (const open of this.#sessions) {
      if (open.carrier === this) while (open.session.outbox.length > 0) this.#sendBatch(open);
    }
    if (this.#closing) this.#socket.destroySoon();
  }

  #sendBatch({ key, session }: OpenSession<Connection>): void {
    const now = this.#parts.clock.now();
    let bytes = 0;
    let count = 0;
    for (const message of session.outbox) {
      bytes += message.body.length + 16;
      if (count > 0 && (bytes > MAX_CONTAINER_BYTES || count === MAX_CONTAINER_MESSAGES)) break;
      count += 1;
    }
    const batch = session.outbox.splice(0, count);
    const message =
      batch.length === 1
        ? batch[0]!
        : { msgId: session.nextMsgId(now, "notice"), seqNo: session.plainSeqNo, body: msgContainer(batch) };
    const salt = this.#parts.salts.current(key.key, now);
    const body = this.#parts.faults.beforeSealing?.(message.body, this) ?? message.body;
    this.#write(sealServerMessage(key.key, key.keyId, { ...message, body, salt, sessionId: session.sessionId }));
  }

  #write(message: Buffer): void {
    if (this.#closed) return;
    const { cut, faults } = this.#parts;
    const frame = this.#transport.frame(message);
    const bytes = faults.beforeWriting?.(frame, this) ?? frame;
    const left = (cut.sent ?? Number.POSITIVE_INFINITY) - this.#sentBytes;
    this.#sentBytes += bytes.length;
    this.#socket.write(bytes.subarray(0, Math.max(0, left)));
    if (bytes.length >= left) {
      faults.onCut?.(this.state.connectionId);
      this.#closing = true;
      this.#socket.destroySoon();
    } else if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.destroy();
  }

  /** Ends the connection for what came over it: with a transport error where that says something, else at once. */
  #refuse(error: unknown): void {
    const { log } = this.#parts;
    const expected = error instanceof FrameError || error instanceof TlReadError || error instanceof TransportError;
    log[expected ? "debug" : "error"]({ err: error, connection: this.state.connectionId }, "connection refused");
    if (!(error instanceof TransportError)) {
      this.destroy();
      return;
    }
    const code = Buffer.allocUnsafe(4);
    code.writeInt32LE(error.code);
    this.#write(code);
    this.closeAfterFlush();
  }

  #onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#disconnectTimer) clearTimeout(this.#disconnectTimer);
    if (this.#flushing) clearImmediate(this.#flushing);
    for (const { key } of this.#sessions) {
      this.#parts.guard.closed(key.keyId, this.state.connectionId);
      this.#parts.sessions.detach(key.keyId, this);
    }
    this.#parts.witness.connectionClosed({ connectionId: this.state.connectionId, at: this.#parts.clock.now() });
  }
}
