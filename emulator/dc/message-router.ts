import { randomBytes } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { TlReadError, TlReader } from "../tl/primitives.ts";
import type { AuthKeyStore } from "./auth-keys.ts";
import type { ApiAnswer, ConnectionState, Dispatcher } from "./dispatcher.ts";
import { packGzip } from "./gzip.ts";
import type { HandedOutWaits } from "./handed-out-waits.ts";
import type { ClientMessage } from "./message-cipher.ts";
import { secondOf } from "./msg-id.ts";
import type { Salts } from "./salts.ts";
import * as service from "./service-messages.ts";
import type { OpenSession, SessionCarrier, Sessions } from "./sessions.ts";
import { ContainerError, type IncomingMessage, unpackMessages } from "./unpack-messages.ts";

/** core.telegram.org/mtproto/description: a msg_id may be so many seconds behind and ahead of the server's clock. */
const OLDEST_SECONDS = 300;
const NEWEST_SECONDS = 30;

/** What a message may do to the connection that it came over. */
export interface MessageCarrier extends SessionCarrier {
  readonly state: ConnectionState;
  /** Closes the connection unless asked again within so many seconds (`ping_delay_disconnect`). */
  disconnectAfter(seconds: number): void;
  /** Closes the connection once everything is sent. */
  closeAfterFlush(): void;
}

export interface MessageRouterParts<Carrier extends MessageCarrier> {
  readonly dispatcher: Dispatcher;
  readonly keys: AuthKeyStore;
  readonly salts: Salts;
  readonly sessions: Sessions<Carrier>;
  readonly waits: HandedOutWaits;
  /** Results of more bytes are sent as `gzip_packed`. */
  readonly gzipAboveBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Takes a client's decrypted messages: checks them, answers what concerns messages, hands API requests on. */
export class MessageRouter<Carrier extends MessageCarrier> {
  readonly #parts: MessageRouterParts<Carrier>;

  constructor(parts: MessageRouterParts<Carrier>) {
    this.#parts = parts;
  }

  take(open: OpenSession<Carrier>, carrier: Carrier, outer: ClientMessage): void {
    const { key, session } = open;
    const now = this.#parts.clock.now();
    carrier.scheduleFlush();
    if (!this.#parts.salts.accepts(key.key, key.keyId, outer.salt, now)) {
      const salt = this.#parts.salts.current(key.key, now);
      this.#notice(open, service.badServerSalt(outer.msgId, outer.seqNo, salt), now);
      return;
    }
    const refusal = this.#unpack(open, carrier, outer, now);
    if (refusal) this.#notice(open, service.badMsgNotification(outer.msgId, outer.seqNo, refusal), now);
    else session.receive(outer.msgId);
  }

  /** Routes the messages of a frame; gives the code of `bad_msg_notification` where the frame is not taken. */
  #unpack(open: OpenSession<Carrier>, carrier: Carrier, outer: ClientMessage, now: number): number | null {
    const wrongId = wrongMsgId(outer.msgId, now);
    if (wrongId) return wrongId;
    let unpacked: { isContainer: boolean; messages: IncomingMessage[] };
    try {
      unpacked = unpackMessages(outer);
    } catch (error) {
      if (error instanceof ContainerError) return service.BAD_MSG.wrongContainer;
      throw error;
    }
    if (unpacked.isContainer && outer.seqNo % 2 !== 0) return service.BAD_MSG.seqNoShouldBeEven;
    this.#announce(open, unpacked.messages, now);
    for (const message of unpacked.messages) this.#route(open, carrier, message, now);
    return null;
  }

  #announce(open: OpenSession<Carrier>, messages: readonly IncomingMessage[], now: number): void {
    const { key, session } = open;
    const first = messages.reduce<bigint | null>(
      (least, { msgId }) => (least === null || msgId < least ? msgId : least),
      null,
    );
    if (session.announced || first === null) return;
    session.announced = true;
    const uniqueId = randomBytes(8).readBigInt64LE(0);
    const salt = this.#parts.salts.current(key.key, now);
    session.send(service.newSessionCreated(first, uniqueId, salt), now, { kind: "notice", content: true });
  }

  #route(open: OpenSession<Carrier>, carrier: Carrier, message: IncomingMessage, now: number): void {
    const { session } = open;
    if (!session.receive(message.msgId)) {
      // The client has not heard our answer, or not yet: it gets the same again, and nothing is executed twice.
      session.answerAgain(message.msgId, now);
      return;
    }
    try {
      if (!this.#serve(open, carrier, message, now)) this.#execute(open, carrier, message);
    } catch (error) {
      if (!(error instanceof TlReadError)) throw error;
      this.#notice(open, service.badMsgNotification(message.msgId, message.seqNo, service.BAD_MSG.wrongContainer), now);
    }
  }

  /** Answers what is about messages and sessions; false where it is an API request. */
  #serve(open: OpenSession<Carrier>, carrier: Carrier, message: IncomingMessage, now: number): boolean {
    const { key, session } = open;
    const { msgId } = message;
    const reader = new TlReader(message.body);
    switch (reader.id()) {
      case service.MSGS_ACK:
        for (const acknowledged of longs(reader)) session.acknowledge(acknowledged, msgId);
        return true;
      case service.PING:
        this.#notice(open, service.pong(msgId, reader.long()), now, "answer");
        return true;
      case service.PING_DELAY_DISCONNECT:
        this.#notice(open, service.pong(msgId, reader.long()), now, "answer");
        carrier.disconnectAfter(reader.int());
        return true;
      case service.GET_FUTURE_SALTS: {
        const salts = this.#parts.salts.future(key.key, reader.int(), now);
        this.#notice(open, service.futureSalts(msgId, now, salts), now, "answer");
        return true;
      }
      case service.DESTROY_SESSION: {
        const sessionId = reader.long();
        const destroyed = sessionId !== session.sessionId && this.#parts.sessions.destroy(key.keyId, sessionId);
        this.#notice(open, service.destroySessionAnswer(sessionId, destroyed), now, "answer");
        return true;
      }
      case service.DESTROY_AUTH_KEY:
        this.#parts.keys.remove(key.keyId);
        this.#notice(open, service.destroyAuthKeyOk(), now, "answer");
        carrier.closeAfterFlush();
        return true;
      case service.RPC_DROP_ANSWER: {
        const running = session.drop(reader.long());
        const body = service.rpcResult(msgId, service.rpcDropped(running));
        session.answer(msgId, body, now, { failed: false, onAcknowledged: null });
        return true;
      }
      case service.MSGS_STATE_REQ:
      case service.MSG_RESEND_REQ: {
        const states = longs(reader).map((asked) => session.stateOf(asked));
        this.#notice(open, service.msgsStateInfo(msgId, states), now);
        return true;
      }
      case service.MSGS_STATE_INFO:
      case service.MSGS_ALL_INFO:
      case service.HTTP_WAIT:
        return true;
      default:
        return false;
    }
  }

  #execute(open: OpenSession<Carrier>, carrier: Carrier, message: IncomingMessage): void {
    const { key, session } = open;
    const { msgId, seqNo } = message;
    if (seqNo % 2 === 0) {
      const notification = service.badMsgNotification(msgId, seqNo, service.BAD_MSG.seqNoShouldBeOdd);
      this.#notice(open, notification, this.#parts.clock.now());
      return;
    }
    const finished = this.#parts.dispatcher
      .execute({
        key,
        connection: carrier.state,
        sessionId: session.sessionId,
        msgId,
        body: message.body,
        succeeded: (msgIds) => session.succeeded(msgIds.filter((other) => other !== msgId)),
      })
      .then((answer) => this.#answer(open, msgId, answer))
      .catch((error: unknown) => this.#parts.log.error({ err: error }, "request failed"));
    session.begin(msgId, finished);
  }

  #answer(open: OpenSession<Carrier>, msgId: bigint, answer: ApiAnswer): void {
    const { session } = open;
    const now = this.#parts.clock.now();
    const wait = answer.kind === "error" ? answer.wait : null;
    session.answer(msgId, this.#bodyOf(msgId, answer), now, {
      failed: answer.kind === "error",
      onAcknowledged: wait && ((byMsgId) => this.#parts.waits.acknowledge(wait, byMsgId)),
    });
    open.carrier?.scheduleFlush();
    // A key that was killed is told so, and its connection is closed.
    if (answer.kind === "error" && open.key.ended?.code === 406) open.carrier?.closeAfterFlush();
  }

  #bodyOf(msgId: bigint, answer: ApiAnswer): Buffer | null {
    if (answer.kind === "lost") return null;
    if (answer.kind === "error")
      return service.rpcResult(msgId, service.rpcError(answer.error.code, answer.error.errorMessage));
    const { result } = answer;
    return service.rpcResult(msgId, result.length > this.#parts.gzipAboveBytes ? packGzip(result) : result);
  }

  #notice(open: OpenSession<Carrier>, body: Buffer, now: number, kind: "answer" | "notice" = "notice"): void {
    open.session.send(body, now, { kind, content: false });
  }
}

function wrongMsgId(msgId: bigint, now: number): number | null {
  const behind = Math.floor(now / 1000) - secondOf(msgId);
  if (behind > OLDEST_SECONDS) return service.BAD_MSG.msgIdTooLow;
  if (-behind > NEWEST_SECONDS) return service.BAD_MSG.msgIdTooHigh;
  return (msgId & 3n) === 0n ? null : service.BAD_MSG.msgIdNotDivisible;
}

function longs(reader: TlReader): bigint[] {
  return reader.vector((item) => item.long());
}
