import { TlWriter } from "../tl/primitives.ts";
import type { FutureSalt } from "./salts.ts";

/** Constructor ids of what clients send about messages (core.telegram.org/mtproto/service_messages). */
export const MSGS_ACK = 0x62d6b459;
export const PING = 0x7abe77ec;
export const PING_DELAY_DISCONNECT = 0xf3427b8c;
export const GET_FUTURE_SALTS = 0xb921bd04;
export const DESTROY_SESSION = 0xe7512126;
export const DESTROY_AUTH_KEY = 0xd1435160;
export const RPC_DROP_ANSWER = 0x58e4a740;
export const MSGS_STATE_REQ = 0xda69fb52;
export const MSG_RESEND_REQ = 0x7d861a08;
export const MSGS_STATE_INFO = 0x04deb57d;
export const MSGS_ALL_INFO = 0x8cc0d131;
export const HTTP_WAIT = 0x9299359f;

/** Why a message is not taken (`bad_msg_notification.error_code`). */
export const BAD_MSG = {
  msgIdTooLow: 16,
  msgIdTooHigh: 17,
  msgIdNotDivisible: 18,
  seqNoShouldBeEven: 34,
  seqNoShouldBeOdd: 35,
  wrongSalt: 48,
  wrongContainer: 64,
} as const;

export function msgsAck(msgIds: readonly bigint[]): Buffer {
  return new TlWriter(12 + msgIds.length * 8).int(MSGS_ACK).longs(msgIds).finish();
}

export function pong(msgId: bigint, pingId: bigint): Buffer {
  return new TlWriter(20).int(0x347773c5).long(msgId).long(pingId).finish();
}

export function newSessionCreated(firstMsgId: bigint, uniqueId: bigint, salt: bigint): Buffer {
  return new TlWriter(28).int(0x9ec20908).long(firstMsgId).long(uniqueId).long(salt).finish();
}

export function badServerSalt(msgId: bigint, seqNo: number, salt: bigint): Buffer {
  return new TlWriter(28).int(0xedab447b).long(msgId).int(seqNo).int(BAD_MSG.wrongSalt).long(salt).finish();
}

export function badMsgNotification(msgId: bigint, seqNo: number, code: number): Buffer {
  return new TlWriter(20).int(0xa7eff811).long(msgId).int(seqNo).int(code).finish();
}

/** `salts` is a bare vector of bare `future_salt`. */
export function futureSalts(msgId: bigint, now: number, salts: readonly FutureSalt[]): Buffer {
  const writer = new TlWriter(20 + salts.length * 16)
    .int(0xae500895)
    .long(msgId)
    .int(Math.floor(now / 1000))
    .int(salts.length);
  for (const salt of salts) writer.int(salt.validSince).int(salt.validUntil).long(salt.salt);
  return writer.finish();
}

export function destroySessionAnswer(sessionId: bigint, destroyed: boolean): Buffer {
  return new TlWriter(12)
    .int(destroyed ? 0xe22045fc : 0x62d350c9)
    .long(sessionId)
    .finish();
}

export function destroyAuthKeyOk(): Buffer {
  return new TlWriter(4).int(0xf660e1d4).finish();
}

/** One byte of state for each message asked about. */
export function msgsStateInfo(requestMsgId: bigint, states: readonly number[]): Buffer {
  return new TlWriter(32 + states.length)
    .int(MSGS_STATE_INFO)
    .long(requestMsgId)
    .bytes(Uint8Array.from(states))
    .finish();
}

/** The answer to `rpc_drop_answer`. */
export function rpcDropped(running: boolean): Buffer {
  return new TlWriter(4).int(running ? 0xcd78e586 : 0x5e2ad36e).finish();
}

export function rpcResult(requestMsgId: bigint, result: Buffer): Buffer {
  return new TlWriter(12 + result.length).int(0xf35c6d01).long(requestMsgId).raw(result).finish();
}

export function rpcError(code: number, message: string): Buffer {
  return new TlWriter(16 + message.length).int(0x2144ca19).int(code).bytes(message).finish();
}

/** Messages of one frame: `msg_container` with its bare messages. */
export function msgContainer(messages: readonly { msgId: bigint; seqNo: number; body: Buffer }[]): Buffer {
  const bytes = messages.reduce((sum, message) => sum + 16 + message.body.length, 8);
  const writer = new TlWriter(bytes).int(0x73f1f8dc).int(messages.length);
  for (const message of messages) {
    writer.long(message.msgId).int(message.seqNo).int(message.body.length).raw(message.body);
  }
  return writer.finish();
}
