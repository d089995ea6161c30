import { Socket } from "node:net";

/** Who hears of a socket. */
export interface SocketOwner {
  connected(): void;
  arrived(chunk: Buffer): void;
  /** "closed" follows. */
  broken(error: Error): void;
  closed(): void;
}

/** A socket whose events all go to one owner, by the same four functions for every socket of the process. */
export class OwnedSocket extends Socket {
  readonly owner: SocketOwner;

  constructor(owner: SocketOwner) {
    super();
    this.owner = owner;
    this.on("connect", onConnect);
    this.on("data", onData);
    this.on("error", onError);
    this.on("close", onClose);
  }
}

function onConnect(this: OwnedSocket): void {
  this.owner.connected();
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this.owner.arrived(chunk);
}

function onError(this: OwnedSocket, error: Error): void {
  this.owner.broken(error);
}

function onClose(this: OwnedSocket): void {
  this.owner.closed();
}
