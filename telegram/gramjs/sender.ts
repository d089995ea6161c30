import type { TelegramClient } from "telegram";
import type { AuthKey } from "telegram/crypto/AuthKey.js";
import { InvalidBufferError, RPCMessageToError, SecurityError, TypeNotFoundError } from "telegram/errors/index.js";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import type { Logger } from "telegram/extensions/Logger.js";
import type { Connection } from "telegram/network/connection/Connection.js";
import { MTProtoSender } from "telegram/network/MTProtoSender.js";
import type { MTProtoState } from "telegram/network/MTProtoState.js";
import { RequestState } from "telegram/network/RequestState.js";
import { Api } from "telegram/tl/api.js";
import { GZIPPacked, MessageContainer, RPCResult, TLMessage } from "telegram/tl/core/index.js";
import { answers } from "./answers.ts";
import { toLong } from "./ids.ts";
import { openServerMessage } from "./open-message.ts";
import { rememberSalt, saltOf } from "./salts.ts";
import type { FrameListener, LeasedTcp } from "./tcp.ts";

/** What is shorter than a key's id is an error of the transport: four bytes. */
const TRANSPORT_ERROR_BELOW = 8;
const KEY_UNKNOWN = 404;
const REMEMBERED_MESSAGES = 500;

export interface SenderEvents {
  /** The connection is over: broken, closed by the peer, or its frames make no sense any more. */
  lost(): void;
  /** The data center answered -404: it does not know the auth key. */
  keyUnknown(): void;
  /** Connecting failed with this; GramJS itself only says that it did. */
  failed(error: unknown): void;
  /** The data center says something that is no answer to a call: an update, as a rule. */
  pushed(object: unknown): void;
}

/** An RPCResult, whose fields GramJS calls private. */
interface Answer {
  readonly reqMsgId: TLMessage["msgId"];
  readonly error?: unknown;
  /** Unpacks it where it is packed. */
  readonly body: Buffer;
}

/** What is to be sent. */
interface Queue {
  values(): readonly unknown[];
  append(state: RequestState): void;
  get(): Promise<{ readonly batch: readonly RequestState[]; readonly data: Buffer } | null | undefined>;
  /** Called at each append. */
  setReady(): void;
  _ready: Promise<void>;
}

/** What GramJS's sender keeps, and calls private. */
interface Inside {
  readonly _state: MTProtoState;
  readonly _sendQueue: Queue;
  readonly _pendingAck: Set<TLMessage["msgId"]>;
  _handlers: object;
  _connectMutex: unknown;
  _client: unknown;
}

type Service = (sender: MTProtoSender, message: TLMessage) => unknown;

/** GramJS's own ways with what a data center says about messages and sessions. */
const SERVICE: ReadonlyMap<number, Service> = new Map<number, Service>([
  [Api.Pong.CONSTRUCTOR_ID, (sender, message) => sender._handlePong(message)],
  [Api.BadServerSalt.CONSTRUCTOR_ID, (sender, message) => sender._handleBadServerSalt(message)],
  [Api.BadMsgNotification.CONSTRUCTOR_ID, (sender, message) => sender._handleBadNotification(message)],
  [Api.MsgDetailedInfo.CONSTRUCTOR_ID, (sender, message) => sender._handleDetailedInfo(message)],
  [Api.MsgNewDetailedInfo.CONSTRUCTOR_ID, (sender, message) => sender._handleNewDetailedInfo(message)],
  [Api.NewSessionCreated.CONSTRUCTOR_ID, (sender, message) => sender._handleNewSessionCreated(message)],
  [Api.MsgsAck.CONSTRUCTOR_ID, () => undefined],
  [Api.FutureSalts.CONSTRUCTOR_ID, (sender, message) => sender._handleFutureSalts(message)],
  // GramJS would answer with as many bytes as the asked message's id says. Who is not answered asks no more.
  [Api.MsgsStateReq.CONSTRUCTOR_ID, () => undefined],
  [Api.MsgResendReq.CONSTRUCTOR_ID, () => undefined],
  [Api.MsgsAllInfo.CONSTRUCTOR_ID, () => undefined],
]);

/** What of GramJS's each sender would have of its own, and none needs. */
const NOTHING: Readonly<Pick<Inside, "_handlers" | "_connectMutex">> = { _handlers: {}, _connectMutex: null };
const NO_SENDERS = new Map<number, Promise<MTProtoSender>>();
const READY = Promise.resolve();

/**
 * GramJS's sender without its client, and without its ways of going on: it never reconnects (one connection lives under
 * one lease; a reconnect that comes late is how rotated clients end in AUTH_KEY_DUPLICATED), runs no ping loop of its
 * own, and hands pushed updates to its owner, who drops them as a rule. Nor has it GramJS's loops for sending and
 * receiving, which hold a dozen promises each while nothing happens: it sends when something is queued, and reads what
 * arrives when it arrives.
 */
export class LeasedSender extends MTProtoSender implements FrameListener {
  readonly #events: SenderEvents;
  readonly #seen: bigint[] = [];
  #sending = false;

  constructor(options: {
    dcId: number;
    /** Undefined for a connection that makes a new key. */
    authKey: AuthKey | undefined;
    logger: Logger;
    events: SenderEvents;
  }) {
    super(options.authKey, {
      logger: options.logger,
      dcId: options.dcId,
      // One handshake in 256 fails, since GramJS does not pad g^ab to 256 bytes. With a key there is nothing to repeat.
      retries: options.authKey ? 1 : 3,
      delay: 0,
      reconnectRetries: 0,
      autoReconnect: false,
      connectTimeout: null,
      authKeyCallback: null,
      isMainSender: true,
      securityChecks: true,
      client: null as unknown as TelegramClient,
      _exportedSenderPromises: NO_SENDERS,
    });
    this.#events = options.events;
    // It asks one thing of its client: where errors go.
    Object.assign(this.#inside, NOTHING, { _client: this });
    this.#inside._sendQueue._ready = READY;
    this.#inside._state.salt = saltOf(options.authKey) ?? this.#inside._state.salt;
  }

  get #inside(): Inside {
    return this as unknown as Inside;
  }

  /** Connects, making a key where there is none yet. False where it could not: `failed` was told why. */
  open(tcp: LeasedTcp): Promise<boolean> {
    return this.connect(tcp as unknown as Connection, false);
  }

  /** GramJS's name for where errors go. */
  async _errorHandler(error: unknown): Promise<void> {
    this.#events.failed(error);
  }

  /** An abandoned request: a late bad_server_salt must not send it again. */
  forget(state: RequestState): void {
    if (state.msgId) this._pendingState.delete(state.msgId);
  }

  override reconnect(): void {
    this.#events.lost();
  }

  override async _reconnect(): Promise<void> {
    this.#events.lost();
  }

  /** Begins to send, now that there is a key. */
  override async _sendLoop(): Promise<void> {
    this.#inside._sendQueue.setReady = () => void this.#sendQueued();
    await this.#sendQueued();
  }

  /** Begins to receive. */
  override async _recvLoop(): Promise<void> {
    (this._connection as unknown as LeasedTcp).listen(this);
  }

  disconnected(): void {
    if (!this.userDisconnected) this.#events.lost();
  }

  frame(payload: Buffer): void {
    let message: TLMessage;
    try {
      message = this.#open(payload);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#receive(message);
  }

  override async _handleBadServerSalt(message: TLMessage): Promise<void> {
    await super._handleBadServerSalt(message);
    rememberSalt(this.authKey, this.#inside._state.salt);
  }

  override async _handleNewSessionCreated(message: TLMessage): Promise<void> {
    await super._handleNewSessionCreated(message);
    rememberSalt(this.authKey, this.#inside._state.salt);
  }

  /** Whatever is queued by the time it is packed goes out as one message, acknowledgements in it. */
  async #sendQueued(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    const { _sendQueue: queue, _state: state } = this.#inside;
    try {
      // What the same turn still queues goes along.
      await READY;
      for (this.#queueAcks(); queue.values().length > 0 && this._userConnected; this.#queueAcks()) {
        const packed = await queue.get();
        if (!packed) continue;
        const sealed = await state.encryptMessageData(packed.data);
        for (const sent of packed.batch)
          if (sent.request.classType === "request" && sent.msgId) this._pendingState.set(sent.msgId, sent);
        await this._connection?.send(sealed);
      }
    } catch {
      this.disconnected();
    } finally {
      this.#sending = false;
    }
  }

  #queueAcks(): void {
    const { _pendingAck: acks, _sendQueue: queue } = this.#inside;
    if (acks.size === 0) return;
    queue.append(new RequestState(new Api.MsgsAck({ msgIds: [...acks] }) as unknown as Api.AnyRequest));
    acks.clear();
  }

  /**
   * A frame that its key did not seal as it is ends the connection. GramJS passes over it, so that its call waits for an
   * answer until the deadline, and reads on into the padding of one that is cut short.
   */
  #open(frame: Buffer): TLMessage {
    if (frame.length < TRANSPORT_ERROR_BELOW) throw new InvalidBufferError(frame);
    const { msgId, seqNo, body } = openServerMessage(this.authKey.getKey() ?? Buffer.alloc(0), frame);
    // What comes twice has missed our acknowledgement: it is passed over.
    if (this.#seen.includes(msgId)) throw new SecurityError("a message that was here before");
    this.#seen.push(msgId);
    if (this.#seen.length > REMEMBERED_MESSAGES) this.#seen.shift();
    return new TLMessage(toLong(msgId), seqNo, new BinaryReader(body).tgReadObject());
  }

  /** What our layer does not know, and what came before, is passed over. */
  #refuse(error: unknown): void {
    if (error instanceof TypeNotFoundError || error instanceof SecurityError) return;
    if (error instanceof InvalidBufferError && error.code === KEY_UNKNOWN) {
      this.#events.keyUnknown();
      return;
    }
    this.#events.failed(error);
    this.#events.lost();
  }

  #receive(message: TLMessage): void {
    this.#inside._pendingAck.add(message.msgId);
    const { obj } = message;
    if (obj instanceof RPCResult) this.#answer(obj as unknown as Answer);
    else if (obj instanceof MessageContainer) for (const inner of messagesOf(obj)) this.#receive(inner);
    else if (obj instanceof GZIPPacked) this.#receivePacked(message, obj.data);
    else this.#hear(message);
  }

  #receivePacked(message: TLMessage, data: Buffer): void {
    try {
      message.obj = new BinaryReader(data).tgReadObject();
      this.#receive(message);
    } catch (error) {
      this.#events.failed(error);
    }
  }

  /** An answer that nobody waits for any more is not decoded. An error, or what cannot be read, goes to its call alone. */
  #answer(result: Answer): void {
    const state = this._pendingState.get(result.reqMsgId);
    if (!state) return;
    this.forget(state);
    try {
      if (result.error) throw RPCMessageToError(result.error as Api.RpcError, state.request);
      state.resolve(answers.read(state.request, result.body));
    } catch (error) {
      state.reject(error);
    }
  }

  #hear(message: TLMessage): void {
    const handle = SERVICE.get(message.obj.CONSTRUCTOR_ID);
    if (handle) void Promise.resolve(handle(this, message)).catch((error: unknown) => this.#events.failed(error));
    else this.#events.pushed(message.obj);
  }
}

/** A container's, which GramJS calls private. */
function messagesOf(container: object): readonly TLMessage[] {
  return (container as { messages: readonly TLMessage[] }).messages;
}
