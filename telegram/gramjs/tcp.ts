import type { Gate } from "../policy.ts";
import { FrameReader, frameOf } from "./frames.ts";
import { OwnedSocket, type SocketOwner } from "./owned-socket.ts";

/** So much is read ahead while nobody takes frames: who sends faster than is read has to wait. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** The connection is closed, or was never to be opened: said to GramJS, which gives it up. */
class SocketClosed extends Error {
  override name = "SocketClosed";
}

/** Takes what arrives, as it arrives. */
export interface FrameListener {
  /** The payload of one frame. Must not throw. */
  frame(payload: Buffer): void;
  /** Nothing comes any more: closed by either side, or what came was no frame. Told once. */
  disconnected(): void;
}

/** Half of a promise: whoever waits. */
interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * The TCP connection of one lease, used once, in MTProto's full transport; what GramJS's sender calls its connection. It
 * asks the gate, synchronously, at each write, whoever writes: GramJS's acks and resends included. A closed gate destroys
 * the socket instead of writing, since a timer alone is no fence: a thawed process writes before its timers run. Once
 * closed, nothing opens and nothing is written.
 *
 * Frames are handed on as they arrive, without a queue or a loop between: thousands of these lie still in one process.
 */
export class LeasedTcp implements SocketOwner {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #gate: Gate;
  readonly #frames = new FrameReader();
  #socket: OwnedSocket | null = null;
  #connecting: Waiting<void> | null = null;
  #receiving: Waiting<Buffer> | null = null;
  #listener: FrameListener | null = null;
  #sent = 0;
  #open = false;
  #released = false;
  #refused = false;

  constructor(address: { readonly host: string; readonly port: number }, gate: Gate) {
    this.#address = address;
    this.#gate = gate;
  }

  /** Whether the closed gate has kept a frame back. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Whether a frame may go out now. A no that the gate gave is remembered: the socket is destroyed with it. */
  admits(): boolean {
    if (this.#released) return false;
    if (this.#gate.isOpen()) return true;
    this.#refused = true;
    this.#socket?.destroy();
    return false;
  }

  isConnected(): boolean {
    return this.#open;
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket || !this.admits()) return reject(new SocketClosed("no socket opens under this lease"));
      const socket = new OwnedSocket(this);
      this.#socket = socket;
      this.#connecting = { resolve, reject };
      // Without it a small frame waits for the ack of the one before: 38 ms instead of 1 for a failing call.
      socket.setNoDelay(true);
      socket.connect(this.#address.port, this.#address.host);
    });
  }

  async send(payload: Buffer): Promise<void> {
    if (!this.#open || !this.admits()) throw new SocketClosed("not written");
    this.#socket?.write(frameOf(payload, this.#sent));
    this.#sent += 1;
  }

  /** The next frame, while there is no listener: a key exchange asks and waits. What arrived before the close is given. */
  recv(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#receiving = { resolve, reject };
      this.#socket?.resume();
      this.#handOn();
      if (!this.#open) this.#settleReceiving()?.reject(new SocketClosed("nothing more to read"));
    });
  }

  /** From now on every frame goes there. */
  listen(listener: FrameListener): void {
    this.#listener = listener;
    this.#socket?.resume();
    this.#handOn();
    if (!this.#open) this.#tellDisconnected();
  }

  /** Closes at once. */
  async disconnect(): Promise<void> {
    this.#open = false;
    this.#socket?.destroy();
  }

  /**
   * Ends the connection and waits up to `waitMs` for the peer to close its side, so that a successor's frames cannot
   * overtake ours; then destroys it.
   */
  close(waitMs: number): Promise<void> {
    this.#released = true;
    const socket = this.#socket;
    if (!socket || socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => socket.destroy(), waitMs);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      // An unread answer must not hold back the peer's close.
      socket.resume();
      if (socket.connecting) socket.destroy();
      else socket.end();
    });
  }

  connected(): void {
    this.#open = true;
    this.#connecting?.resolve();
    this.#connecting = null;
  }

  arrived(chunk: Buffer): void {
    if (this.#released) return;
    this.#frames.push(chunk);
    this.#handOn();
  }

  broken(error: Error): void {
    this.#connecting?.reject(error);
  }

  closed(): void {
    this.#open = false;
    this.#connecting?.reject(new SocketClosed("closed while connecting"));
    this.#connecting = null;
    this.#settleReceiving()?.reject(new SocketClosed("nothing more to read"));
    this.#tellDisconnected();
  }

  toString(): string {
    return `${this.#address.host}:${this.#address.port}`;
  }

  #handOn(): void {
    try {
      while ((this.#listener || this.#receiving) && !this.#released) {
        const payload = this.#frames.next();
        if (!payload) return;
        if (this.#listener) this.#listener.frame(payload);
        else this.#settleReceiving()?.resolve(payload);
      }
      if (this.#frames.buffered >= READ_AHEAD_BYTES) this.#socket?.pause();
    } catch {
      void this.disconnect();
    }
  }

  #settleReceiving(): Waiting<Buffer> | null {
    const receiving = this.#receiving;
    this.#receiving = null;
    return receiving;
  }

  #tellDisconnected(): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.disconnected();
  }
}
