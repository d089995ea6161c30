import type { TelegramClient } from "telegram";
import type { AuthKey } from "telegram/crypto/AuthKey.js";
import { InvalidBufferError, SecurityError } from "telegram/errors/Common.js";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import type { Logger } from "telegram/extensions/Logger.js";
import { MTProtoSender } from "telegram/network/MTProtoSender.js";
import type { MTProtoState } from "telegram/network/MTProtoState.js";
import type { RequestState } from "telegram/network/RequestState.js";
import { TLMessage } from "telegram/tl/core/TLMessage.js";
import { answers } from "./answers.ts";
import { toLong } from "./ids.ts";
import { openServerMessage } from "./open-message.ts";
import { rememberSalt, saltOf } from "./salts.ts";

/** What is shorter than a key's id is an error of the transport: four bytes. */
const TRANSPORT_ERROR_BELOW = 8;
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

/**
 * GramJS's sender without its client, and without its ways of going on: it never reconnects (one connection lives under
 * one lease; a reconnect that comes late is how rotated clients end in AUTH_KEY_DUPLICATED), runs no ping loop of its
 * own, and hands pushed updates to its owner, who drops them as a rule.
 */
export class LeasedSender extends MTProtoSender {
  readonly #events: SenderEvents;
  readonly #state: MTProtoState;
  readonly #seen: bigint[] = [];

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
      client: clientOf(options.events),
      _exportedSenderPromises: new Map(),
    });
    this.#events = options.events;
    const { _state: state } = this as unknown as { _state: MTProtoState };
    state.decryptMessageData = async (frame) => this.#open(frame);
    state.salt = saltOf(options.authKey) ?? state.salt;
    this.#state = state;
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

  /**
   * An answer that nobody waits for any more is not decoded. An error, or what cannot be read, goes to its call alone:
   * GramJS throws it on as well, and that would end the reading of the other answers in the same container, for good.
   */
  override _handleRPCResult(message: TLMessage): void {
    const result: Answer = message.obj;
    const state = this._pendingState.get(result.reqMsgId);
    if (!state) return;
    try {
      if (result.error) {
        super._handleRPCResult(message);
      } else {
        this.forget(state);
        state.resolve(answers.read(state.request, result.body));
      }
    } catch (error) {
      this.forget(state);
      state.reject(error);
    }
  }

  /** GramJS would answer with as many bytes as the asked message's id says. Who is not answered asks no more. */
  override async _handleStateForgotten(): Promise<void> {}

  override async _handleBadServerSalt(message: TLMessage): Promise<void> {
    await super._handleBadServerSalt(message);
    rememberSalt(this.authKey, this.#state.salt);
  }

  override async _handleNewSessionCreated(message: TLMessage): Promise<void> {
    await super._handleNewSessionCreated(message);
    rememberSalt(this.authKey, this.#state.salt);
  }

  override _handleBadAuthKey(fromRpcError = false): void {
    if (!fromRpcError) this.#events.keyUnknown();
  }

  override async _handleUpdate(message: TLMessage): Promise<void> {
    this.#events.pushed(message.obj);
  }
}

/** The sender asks two things of its client: where errors go, and the socket class of a reconnect that never comes. */
function clientOf(events: SenderEvents): TelegramClient {
  const client = { _errorHandler: async (error: unknown) => events.failed(error) };
  return client as unknown as TelegramClient;
}
