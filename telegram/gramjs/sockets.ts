import { Socket } from "node:net";
import { PromisedNetSockets } from "telegram/extensions/PromisedNetSockets.js";
import type { Gate } from "../policy.ts";

/** So much is read ahead of what is asked for: who sends faster than is read has to wait. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** The socket is closed, or was never to be opened: said to GramJS, which gives up its connection. */
class SocketClosed extends Error {
  override name = "SocketClosed";
}

/**
 * Every socket of one lease. They ask the gate, synchronously, at each write, whoever writes: GramJS's acks and resends
 * included. A closed gate destroys the socket instead of writing, since a timer alone is no fence: a thawed process
 * writes before its timers run. Once released, no socket opens and none writes.
 */
export class LeasedSockets {
  readonly #gate: Gate;
  readonly #live = new Set<Socket>();
  #released = false;
  #refused = false;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  /** Sockets that are open or opening now. */
  get open(): number {
    return this.#live.size;
  }

  /** Whether nobody reads any more. */
  get released(): boolean {
    return this.#released;
  }

  /** Whether the closed gate has kept a frame back. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Whether a frame may go out now. A no that the gate gave is remembered: every socket is destroyed with it. */
  admits(): boolean {
    if (this.#released) return false;
    if (this.#gate.isOpen()) return true;
    this.#refused = true;
    for (const socket of this.#live) socket.destroy();
    return false;
  }

  add(socket: Socket): void {
    this.#live.add(socket);
    socket.once("close", () => this.#live.delete(socket));
  }

  /**
   * Ends every socket and waits up to `waitMs` for the peers to close theirs, so that a successor's frames cannot
   * overtake ours; then destroys what is left.
   */
  async close(waitMs: number): Promise<void> {
    this.#released = true;
    const closed = [...this.#live].map((socket) => ended(socket, waitMs));
    await Promise.all(closed);
  }

  /**
   * The socket class that GramJS is given; its sockets belong to this lease. All are of one class: what belongs to a class
   * of its own is compiled anew for each connection.
   */
  socketClass(): typeof PromisedNetSockets {
    const sockets = this;
    function LeaseSocket() {
      return new LeasedSocket(sockets);
    }
    return LeaseSocket as unknown as typeof PromisedNetSockets;
  }
}

/** What GramJS reads from and writes to: one connection, used once. */
class LeasedSocket extends PromisedNetSockets {
  readonly #sockets: LeasedSockets;
  #socket: Socket | null = null;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #wanted = 0;
  #open = false;
  #wake: (() => void) | null = null;

  constructor(sockets: LeasedSockets) {
    super();
    this.#sockets = sockets;
  }

  override connect(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket || !this.#sockets.admits()) return reject(new SocketClosed("no socket opens under this lease"));
      const socket = new Socket();
      this.#socket = socket;
      this.#sockets.add(socket);
      // Without it a small frame waits for the ack of the one before: 38 ms instead of 1 for a failing call.
      socket.setNoDelay(true);
      socket.on("error", reject);
      let connecting = true;
      socket.on("close", () => {
        this.#open = false;
        this.#wake?.();
        if (connecting) reject(new SocketClosed("closed while connecting"));
      });
      socket.on("data", (chunk) => {
        if (this.#sockets.released) return;
        this.#chunks.push(chunk);
        this.#buffered += chunk.length;
        if (this.#buffered >= Math.max(this.#wanted, READ_AHEAD_BYTES)) socket.pause();
        this.#wake?.();
      });
      socket.connect(port, host, () => {
        this.#open = true;
        connecting = false;
        resolve();
      });
    });
  }

  override write(data: Buffer): void {
    if (!this.#open || !this.#sockets.admits()) throw new SocketClosed("not written");
    this.#socket?.write(data);
  }

  /** What arrived before the close can still be read. */
  override async readExactly(length: number): Promise<Buffer> {
    this.#wanted = length;
    while (this.#buffered < length) {
      if (!this.#open) throw new SocketClosed("nothing more to read");
      this.#socket?.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#take(length);
  }

  override async read(length: number): Promise<Buffer> {
    if (this.#buffered === 0) await this.readExactly(1).then((byte) => this.#putBack(byte));
    return this.#take(Math.min(length, this.#buffered));
  }

  override readAll(): Promise<Buffer> {
    return this.read(Number.POSITIVE_INFINITY);
  }

  override async receive(): Promise<void> {}

  override async close(): Promise<void> {
    this.#open = false;
    this.#socket?.destroy();
  }

  #take(length: number): Buffer {
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const rest = whole.subarray(length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#buffered = rest.length;
    return whole.subarray(0, length);
  }

  #putBack(bytes: Buffer): void {
    this.#chunks.unshift(bytes);
    this.#buffered += bytes.length;
  }
}

function ended(socket: Socket, waitMs: number): Promise<void> {
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
