import { msgIdAt } from "./msg-id.ts";

/** Msg_ids remembered to recognise what comes twice; far more than a client has under way. */
const REMEMBERED_MESSAGES = 512;
/** Answers kept for clients that ask again, in bytes; an acknowledged one is not kept. */
const KEPT_ANSWER_BYTES = 1024 * 1024;

export interface OutgoingMessage {
  readonly msgId: bigint;
  readonly seqNo: number;
  readonly body: Buffer;
}

/** What became of a client's message. `answer` is null while it runs, when there is none, and when it is kept no more. */
interface Received {
  state: "running" | "done";
  answer: Buffer | null;
  failed: boolean;
  dropped: boolean;
  finished: Promise<void> | null;
}

/** One MTProto session of one key: the numbering of our messages, and the memory of the client's. */
export class MtprotoSession {
  readonly sessionId: bigint;
  /** `new_session_created` was sent. */
  announced = false;
  /** Waiting to be sent, oldest first. */
  readonly outbox: OutgoingMessage[] = [];
  readonly #received = new Map<bigint, Received>();
  /** Which request each of our answers was for. */
  readonly #answered = new Map<bigint, bigint>();
  readonly #onAcknowledged = new Map<bigint, (byMsgId: bigint) => void>();
  #answerBytes = 0;
  #lastMsgId = 0n;
  #contentMessages = 0;

  constructor(sessionId: bigint) {
    this.sessionId = sessionId;
  }

  /** Our next msg_id: odd as a server's are, 1 modulo 4 for an answer and 3 for anything else. */
  nextMsgId(now: number, kind: "answer" | "notice"): bigint {
    const low = kind === "answer" ? 1n : 3n;
    let msgId = msgIdAt(now) | low;
    if (msgId <= this.#lastMsgId) msgId = (((this.#lastMsgId >> 2n) + 1n) << 2n) | low;
    this.#lastMsgId = msgId;
    return msgId;
  }

  /** Puts a message into the outbox. Content is what the client has to acknowledge. Gives its msg_id. */
  send(body: Buffer, now: number, options: { kind: "answer" | "notice"; content: boolean }): bigint {
    const msgId = this.nextMsgId(now, options.kind);
    const seqNo = this.#contentMessages * 2 + (options.content ? 1 : 0);
    if (options.content) this.#contentMessages += 1;
    this.outbox.push({ msgId, seqNo, body });
    return msgId;
  }

  /** The number of a message without content, for a container around others. */
  get plainSeqNo(): number {
    return this.#contentMessages * 2;
  }

  /** Notes a message of the client's; false where it came before. */
  receive(msgId: bigint): boolean {
    if (this.#received.has(msgId)) return false;
    if (this.#received.size >= REMEMBERED_MESSAGES) this.#forget(this.#received.keys().next().value!);
    this.#received.set(msgId, { state: "done", answer: null, failed: false, dropped: false, finished: null });
    return true;
  }

  /** A request begins to be executed; `finished` never rejects. */
  begin(msgId: bigint, finished: Promise<void>): void {
    const received = this.#received.get(msgId);
    if (received) Object.assign(received, { state: "running", finished });
  }

  /** Ends a request, sends its answer where there is one, and keeps that until it is acknowledged. */
  answer(
    msgId: bigint,
    body: Buffer | null,
    now: number,
    options: { failed: boolean; onAcknowledged: ((byMsgId: bigint) => void) | null },
  ): void {
    const received = this.#received.get(msgId);
    const dropped = received?.dropped ?? false;
    if (received) Object.assign(received, { state: "done", failed: options.failed, finished: null });
    if (dropped || !body) return;
    const answerId = this.#sendAnswer(msgId, body, now);
    if (options.onAcknowledged) this.#onAcknowledged.set(answerId, options.onAcknowledged);
    if (!received || this.#answerBytes + body.length > KEPT_ANSWER_BYTES) return;
    received.answer = body;
    this.#answerBytes += body.length;
  }

  /** Sends the answer to a request again, where it is still kept. */
  answerAgain(msgId: bigint, now: number): void {
    const answer = this.#received.get(msgId)?.answer;
    if (answer) this.#sendAnswer(msgId, answer, now);
  }

  /** The client got our message `msgId`, and says so by its own `byMsgId`. */
  acknowledge(msgId: bigint, byMsgId: bigint): void {
    this.#onAcknowledged.get(msgId)?.(byMsgId);
    this.#onAcknowledged.delete(msgId);
    const requestId = this.#answered.get(msgId);
    if (requestId === undefined) return;
    this.#answered.delete(msgId);
    this.#dropAnswer(this.#received.get(requestId));
  }

  /** The client does not want the answer; true where the request still runs. */
  drop(msgId: bigint): boolean {
    const received = this.#received.get(msgId);
    if (received?.state !== "running") return false;
    received.dropped = true;
    return true;
  }

  /** Waits for the end of requests under way; false where one of them failed. */
  async succeeded(msgIds: readonly bigint[]): Promise<boolean> {
    for (const msgId of msgIds) await this.#received.get(msgId)?.finished;
    return msgIds.every((msgId) => !this.#received.get(msgId)?.failed);
  }

  /** The byte of `msgs_state_info` for a message of the client's. */
  stateOf(msgId: bigint): number {
    const received = this.#received.get(msgId);
    if (!received) return 1;
    if (received.state === "running") return 4 | 32;
    return received.answer ? 4 | 64 : 4;
  }

  #sendAnswer(msgId: bigint, body: Buffer, now: number): bigint {
    const answerId = this.send(body, now, { kind: "answer", content: true });
    if (this.#answered.size >= REMEMBERED_MESSAGES) {
      const oldest = this.#answered.keys().next().value!;
      this.#answered.delete(oldest);
      this.#onAcknowledged.delete(oldest);
    }
    this.#answered.set(answerId, msgId);
    return answerId;
  }

  #forget(msgId: bigint): void {
    this.#dropAnswer(this.#received.get(msgId));
    this.#received.delete(msgId);
  }

  #dropAnswer(received: Received | undefined): void {
    if (!received?.answer) return;
    this.#answerBytes -= received.answer.length;
    received.answer = null;
  }
}
