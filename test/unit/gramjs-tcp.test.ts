import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { frameOf } from "../../telegram/gramjs/frames.ts";
import { OwnedSocket } from "../../telegram/gramjs/owned-socket.ts";
import { type FrameListener, LeasedTcp } from "../../telegram/gramjs/tcp.ts";
import { eventually } from "../support/eventually.ts";

let server: Server;
let port: number;
let peers: Socket[];
let received: Buffer;

beforeEach(async () => {
  peers = [];
  received = Buffer.alloc(0);
  server = createServer((socket) => {
    peers.push(socket);
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
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

const HELLO = Buffer.from("hello Telegram!!");
const WORLD = Buffer.from("and what answers");

const tcpOf = (gate: { isOpen(): boolean }, to = port) => new LeasedTcp({ host: "127.0.0.1", port: to }, gate);

async function connected(gate = gateOf()): Promise<LeasedTcp> {
  const tcp = tcpOf(gate);
  await tcp.connect();
  await eventually(() => peers.length > 0);
  return tcp;
}

/** Notes what it is told. */
function listener() {
  const heard: (Buffer | "disconnected")[] = [];
  const listens: FrameListener = {
    frame: (payload) => void heard.push(payload),
    disconnected: () => void heard.push("disconnected"),
  };
  return { heard, listens };
}

it("writes numbered frames while the gate is open, and reads those that come in parts", async () => {
  const tcp = await connected();
  await tcp.send(HELLO);
  await tcp.send(WORLD);
  const sent = Buffer.concat([frameOf(HELLO, 0), frameOf(WORLD, 1)]);
  await eventually(() => received.equals(sent));
  const first = tcp.recv();
  peers[0]!.write(sent.subarray(0, 5));
  peers[0]!.write(sent.subarray(5));
  expect(await first).toEqual(HELLO);
  expect(await tcp.recv()).toEqual(WORLD);
  await tcp.close(1_000);
});

it("hands every frame to its listener, those too that came before", async () => {
  const tcp = await connected();
  peers[0]!.write(Buffer.concat([frameOf(HELLO, 0), frameOf(HELLO, 1)]));
  expect(await tcp.recv()).toEqual(HELLO);
  const { heard, listens } = listener();
  tcp.listen(listens);
  peers[0]!.end(frameOf(WORLD, 2));
  await eventually(() => heard.at(-1) === "disconnected");
  expect(heard).toEqual([HELLO, WORLD, "disconnected"]);
  await tcp.close(1_000);
});

it("ends at what is no frame", async () => {
  const tcp = await connected();
  const { heard, listens } = listener();
  tcp.listen(listens);
  peers[0]!.write(Buffer.concat([frameOf(HELLO, 0), Buffer.alloc(16, 1), frameOf(HELLO, 1)]));
  await once(peers[0]!, "close");
  await eventually(() => heard.at(-1) === "disconnected");
  expect(heard).toEqual([HELLO, "disconnected"]);
});

it("sends small frames at once", async () => {
  const noDelay: boolean[] = [];
  const { Socket: NetSocket } = await import("node:net");
  const original = NetSocket.prototype.setNoDelay;
  NetSocket.prototype.setNoDelay = function (this: Socket, on?: boolean) {
    // Somebody else's socket in this process is none of ours.
    if (this instanceof OwnedSocket) noDelay.push(on !== false);
    return original.call(this, on);
  };
  try {
    const tcp = await connected();
    await tcp.close(1_000);
  } finally {
    NetSocket.prototype.setNoDelay = original;
  }
  expect(noDelay).toEqual([true]);
});

it("destroys instead of writing when the gate is closed: not a byte goes out", async () => {
  const gate = gateOf();
  const tcp = await connected(gate);
  gate.open = false;
  await expect(tcp.send(HELLO)).rejects.toThrow();
  await once(peers[0]!, "close");
  expect(received).toHaveLength(0);
  expect(tcp.refused).toBe(true);
  await expect(tcp.recv()).rejects.toThrow();
  expect(tcp.isConnected()).toBe(false);
});

it("opens no socket while the gate is closed, and none once it was closed itself", async () => {
  const gate = gateOf();
  gate.open = false;
  await expect(tcpOf(gate).connect()).rejects.toThrow();
  gate.open = true;
  const tcp = await connected(gate);
  await tcp.close(1_000);
  await expect(tcp.send(HELLO)).rejects.toThrow();
  const early = tcpOf(gate);
  await early.close(1_000);
  await expect(early.connect()).rejects.toThrow();
  expect(peers).toHaveLength(1);
  expect(received).toHaveLength(0);
});

it("is one connection only", async () => {
  const tcp = await connected();
  await expect(tcp.connect()).rejects.toThrow();
  await tcp.close(1_000);
});

it("says why it could not connect", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port: nobody } = free.address() as AddressInfo;
  free.close();
  await once(free, "close");
  await expect(tcpOf(gateOf(), nobody).connect()).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

it("waits for the peer's close, and destroys when it does not come", async () => {
  const halfOpen = createServer({ allowHalfOpen: true }, (peer) => {
    peers.push(peer);
    peer.resume();
    peer.on("error", () => {});
  });
  halfOpen.listen(0, "127.0.0.1");
  await once(halfOpen, "listening");
  const tcp = tcpOf(gateOf(), (halfOpen.address() as AddressInfo).port);
  await tcp.connect();
  const before = performance.now();
  await tcp.close(50);
  expect(performance.now() - before).toBeGreaterThan(40);
  expect(tcp.isConnected()).toBe(false);
  for (const peer of peers) peer.destroy();
  halfOpen.close();
  await once(halfOpen, "close");
});

it("still gives what arrived before the peer closed", async () => {
  const tcp = await connected();
  peers[0]!.end(frameOf(HELLO, 0));
  await eventually(() => !tcp.isConnected());
  expect(await tcp.recv()).toEqual(HELLO);
  await expect(tcp.recv()).rejects.toThrow();
});

it("reads no more than a little ahead of what is asked for", async () => {
  const tcp = await connected();
  const peer = peers[0]!;
  const mebibytes = 64;
  const payload = (index: number) => Buffer.alloc(1024 * 1024, index);
  for (let sent = 0; sent < mebibytes; sent += 1) peer.write(frameOf(payload(sent), sent));
  const left: number[] = [];
  await eventually(() => {
    left.push(peer.writableLength);
    return left.length > 10 && new Set(left.slice(-10)).size === 1;
  });
  // What is not with the peer any more is with us, and in the system's buffers.
  expect(peer.writableLength).toBeGreaterThan((mebibytes / 2) * 1024 * 1024);
  for (let read = 0; read < mebibytes; read += 1) expect((await tcp.recv()).equals(payload(read))).toBe(true);
  expect(peer.writableLength).toBe(0);
  await tcp.close(1_000);
});
