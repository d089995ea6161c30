import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LeasedSockets } from "../../telegram/gramjs/sockets.ts";
import { eventually } from "../support/eventually.ts";

let server: Server;
let port: number;
let peers: Socket[];
let received: string;

beforeEach(async () => {
  peers = [];
  received = "";
  server = createServer((socket) => {
    peers.push(socket);
    socket.on("data", (data) => {
      received += data;
    });
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  for (const peer of peers) peer.destroy();
  server.close();
  await once(server, "close");
});

/** A gate that opens and closes at will. */
function gateOf() {
  const gate = { open: true, isOpen: () => gate.open };
  return gate;
}

async function connected(sockets: LeasedSockets) {
  const socket = new (sockets.socketClass())();
  await socket.connect(port, "127.0.0.1");
  await eventually(() => peers.length > 0);
  return socket;
}

it("writes while the gate is open, and reads whole pieces of what comes in parts", async () => {
  const sockets = new LeasedSockets(gateOf());
  const socket = await connected(sockets);
  socket.write(Buffer.from("hello"));
  await eventually(() => received === "hello");
  const four = socket.readExactly(4);
  peers[0]!.write("ab");
  peers[0]!.write("cdefg");
  expect((await four).toString()).toBe("abcd");
  expect((await socket.readExactly(3)).toString()).toBe("efg");
  await sockets.close(1_000);
});

it("sends small frames at once", async () => {
  const noDelay: boolean[] = [];
  const { Socket: NetSocket } = await import("node:net");
  const original = NetSocket.prototype.setNoDelay;
  NetSocket.prototype.setNoDelay = function (this: Socket, on?: boolean) {
    noDelay.push(on !== false);
    return original.call(this, on);
  };
  const sockets = new LeasedSockets(gateOf());
  try {
    await connected(sockets);
  } finally {
    NetSocket.prototype.setNoDelay = original;
  }
  expect(noDelay).toEqual([true]);
  await sockets.close(1_000);
});

it("destroys instead of writing when the gate is closed: not a byte goes out", async () => {
  const gate = gateOf();
  const sockets = new LeasedSockets(gate);
  const socket = await connected(sockets);
  gate.open = false;
  expect(() => socket.write(Buffer.from("late"))).toThrow();
  await once(peers[0]!, "close");
  expect(received).toBe("");
  expect(sockets.refused).toBe(true);
  expect(sockets.open).toBe(0);
  await expect(socket.readExactly(1)).rejects.toThrow();
});

it("opens no socket while the gate is closed, and none after its release", async () => {
  const gate = gateOf();
  const sockets = new LeasedSockets(gate);
  gate.open = false;
  await expect(new (sockets.socketClass())().connect(port, "127.0.0.1")).rejects.toThrow();
  gate.open = true;
  const socket = await connected(sockets);
  await sockets.close(1_000);
  expect(() => socket.write(Buffer.from("late"))).toThrow();
  await expect(new (sockets.socketClass())().connect(port, "127.0.0.1")).rejects.toThrow();
  expect(peers).toHaveLength(1);
  expect(received).toBe("");
});

it("gives a socket one connection only", async () => {
  const sockets = new LeasedSockets(gateOf());
  const socket = await connected(sockets);
  await expect(socket.connect(port, "127.0.0.1")).rejects.toThrow();
  await sockets.close(1_000);
});

it("waits for the peer's close, and destroys when it does not come", async () => {
  server.removeAllListeners("connection");
  const halfOpen = createServer({ allowHalfOpen: true }, (peer) => {
    peers.push(peer);
    peer.resume();
    peer.on("error", () => {});
  });
  halfOpen.listen(0, "127.0.0.1");
  await once(halfOpen, "listening");
  const sockets = new LeasedSockets(gateOf());
  const socket = new (sockets.socketClass())();
  await socket.connect((halfOpen.address() as AddressInfo).port, "127.0.0.1");
  const before = performance.now();
  await sockets.close(50);
  expect(performance.now() - before).toBeGreaterThan(40);
  expect(sockets.open).toBe(0);
  for (const peer of peers) peer.destroy();
  halfOpen.close();
  await once(halfOpen, "close");
});

it("still gives what arrived before the peer closed", async () => {
  const sockets = new LeasedSockets(gateOf());
  const socket = await connected(sockets);
  peers[0]!.end("bye");
  await eventually(() => sockets.open === 0);
  expect((await socket.readExactly(3)).toString()).toBe("bye");
  await expect(socket.readExactly(1)).rejects.toThrow();
});

it("reads no more than a little ahead of what is asked for", async () => {
  const sockets = new LeasedSockets(gateOf());
  const socket = await connected(sockets);
  const peer = peers[0]!;
  const mebibytes = 64;
  for (let sent = 0; sent < mebibytes; sent += 1) peer.write(Buffer.alloc(1024 * 1024, sent));
  const left: number[] = [];
  await eventually(() => {
    left.push(peer.writableLength);
    return left.length > 10 && new Set(left.slice(-10)).size === 1;
  });
  // What is not with the peer any more is with us, and in the system's buffers.
  expect(peer.writableLength).toBeGreaterThan((mebibytes / 2) * 1024 * 1024);
  for (let read = 0; read < mebibytes; read += 1)
    expect((await socket.readExactly(1024 * 1024)).equals(Buffer.alloc(1024 * 1024, read))).toBe(true);
  expect(peer.writableLength).toBe(0);
  await sockets.close(1_000);
});
