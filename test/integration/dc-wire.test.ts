import { randomBytes } from "node:crypto";
import { deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Faults } from "../../emulator/dc/faults.ts";
import { TlReader, TlWriter } from "../../emulator/tl/primitives.ts";
import { DcClient, DcSession, resultOf, type TransportName } from "../support/dc-client.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDc, testDc } from "../support/test-dc.ts";

const PONG = 0x347773c5;
const RPC_RESULT = 0xf35c6d01;
const RPC_ERROR = 0x2144ca19;
const NEAREST_DC = 0x8e1a1775;
const BAD_SERVER_SALT = 0xedab447b;
const BAD_MSG_NOTIFICATION = 0xa7eff811;
const NEW_SESSION_CREATED = 0x9ec20908;
const GZIP_PACKED = 0x3072cfa1;

const getNearestDc = new TlWriter(4).int(0x1fb33026).finish();
const ping = (id: bigint) => new TlWriter(12).int(0x7abe77ec).long(id).finish();
const ack = (...msgIds: bigint[]) => new TlWriter().int(0x62d6b459).longs(msgIds).finish();
const gzipPacked = (bytes: Buffer) => new TlWriter().int(GZIP_PACKED).bytes(bytes).finish();

let test: TestDc;
let key: Buffer;
let faults: Faults;
const clients: DcClient[] = [];

beforeEach(async () => {
  faults = {};
  test = await testDc({
    faults: {
      beforeAnswer: (...on) => faults.beforeAnswer?.(...on),
      cutAfterBytes: (id) => faults.cutAfterBytes?.(id),
    },
  });
  key = test.plant(7n);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await test[Symbol.asyncDispose]();
});

function client(transport: TransportName = "full", obfuscated = false): DcClient {
  const made = new DcClient(test.dc.port, transport, obfuscated);
  clients.push(made);
  return made;
}

/** A session that has its salt. */
async function session(on = client(), withKey = key): Promise<DcSession> {
  const made = new DcSession(on, withKey);
  made.send(ping(0n));
  const refused = await made.until(BAD_SERVER_SALT);
  refused!.reader.raw(16);
  made.salt = refused!.reader.long();
  return made;
}

/** The error that a request was answered with. */
async function errorOf(of: DcSession): Promise<string> {
  const result = resultOf((await of.until(RPC_RESULT))!);
  expect(result.id).toBe(RPC_ERROR);
  return `${result.reader.int()} ${result.reader.string()}`;
}

describe("transports", () => {
  const all: [TransportName, boolean][] = [
    ["full", false],
    ["abridged", false],
    ["intermediate", false],
    ["padded", false],
    ["abridged", true],
    ["intermediate", true],
    ["padded", true],
  ];
  it.each(all)("%s, obfuscated: %s", async (transport, obfuscated) => {
    const open = await session(client(transport, obfuscated));
    const msgId = open.send(getNearestDc);
    const result = resultOf((await open.until(RPC_RESULT))!);
    expect(result).toMatchObject({ msgId, id: NEAREST_DC });
    // More than 127 words, which abridged writes another way.
    const long = open.send(gzipPacked(Buffer.concat([getNearestDc, randomBytes(4096)])));
    expect(resultOf((await open.until(RPC_RESULT))!).msgId).toBe(long);
  });

  it.each(all)("%s, obfuscated: %s, byte by byte", async (transport, obfuscated) => {
    const on = client(transport, obfuscated);
    const open = new DcSession(on, key);
    const bytes = on.frame(open.seal(open.nextMsgId(), 1, ping(5n)));
    for (const byte of bytes) {
      on.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await open.until(BAD_SERVER_SALT)).not.toBeNull();
  });

  it.each(all.slice(0, 4))("answers an unknown key over %s with -404 and closes", async (transport) => {
    const on = client(transport);
    new DcSession(on, randomBytes(256)).send(ping(1n));
    const frame = await on.receive();
    expect(frame?.readInt32LE(0)).toBe(-404);
    await on.untilClosed();
  });

  it("knows no key of another data center", async () => {
    const on = client();
    new DcSession(on, test.plant(7n, 4)).send(ping(1n));
    expect((await on.receive())?.readInt32LE(0)).toBe(-404);
  });
});

describe("messages", () => {
  it("tells new sessions, once, and answers pings", async () => {
    const open = await session();
    const first = open.send(ping(11n));
    const created = await open.until(NEW_SESSION_CREATED);
    expect(created!.reader.long()).toBe(first);
    const pong = await open.until(PONG);
    expect([pong!.reader.long(), pong!.reader.long()]).toEqual([first, 11n]);
    open.send(ping(12n));
    await open.until(PONG);
    expect(open.received).toEqual([]);
  });

  it("numbers its own messages as a server does", async () => {
    const open = await session();
    open.sendContainer([
      { body: getNearestDc, content: true },
      { body: ping(1n), content: true },
      { body: getNearestDc, content: true },
    ]);
    const messages = [
      await open.until(NEW_SESSION_CREATED),
      await open.until(RPC_RESULT),
      await open.until(RPC_RESULT),
    ];
    expect(messages.map((message) => message!.msgId & 3n)).toEqual([3n, 1n, 1n]);
    expect(messages.map((message) => message!.seqNo)).toEqual([1, 3, 5]);
    const ids = messages.map((message) => message!.msgId);
    expect(new Set(ids).size).toBe(3);
    expect([...ids].sort()).toEqual(ids);
  });

  it("executes a message that comes twice once, and answers it again", async () => {
    const open = await session();
    const msgId = open.send(getNearestDc, { seqNo: 1 });
    await open.until(RPC_RESULT);
    open.send(getNearestDc, { msgId, seqNo: 1 });
    expect(resultOf((await open.until(RPC_RESULT))!)).toMatchObject({ msgId, id: NEAREST_DC });
    expect(test.witness.summary().callsByMethod).toEqual({ "help.GetNearestDc": 1 });
  });

  it.each([
    ["gzip", gzipSync(getNearestDc)],
    ["zlib", deflateSync(getNearestDc)],
    ["not compressed at all", getNearestDc],
  ])("unpacks requests that are %s", async (_name, packed) => {
    const open = await session();
    open.send(gzipPacked(packed));
    expect(resultOf((await open.until(RPC_RESULT))!).id).toBe(NEAREST_DC);
  });

  it("packs large results", async () => {
    await using packing = await testDc({ gzipAboveBytes: 8 });
    const on = new DcClient(packing.dc.port);
    clients.push(on);
    const open = await session(on, packing.plant(1n));
    open.send(getNearestDc);
    const result = resultOf((await open.until(RPC_RESULT))!);
    expect(result.id).toBe(GZIP_PACKED);
    expect(new TlReader(gunzipSync(result.reader.bytes())).id()).toBe(NEAREST_DC);
  });

  it.each([
    ["too old", (now: bigint) => now - (400n << 32n), 16],
    ["from the future", (now: bigint) => now + (60n << 32n), 17],
    ["not a client's", (now: bigint) => now | 1n, 18],
  ])("refuses a msg_id that is %s", async (_name, change, code) => {
    const open = await session();
    open.send(ping(1n), { msgId: change(open.nextMsgId()) });
    const refused = await open.until(BAD_MSG_NOTIFICATION);
    refused!.reader.raw(12);
    expect(refused!.reader.int()).toBe(code);
  });

  it("refuses a request numbered as if it were none", async () => {
    const open = await session();
    open.send(getNearestDc, { content: false });
    const refused = await open.until(BAD_MSG_NOTIFICATION);
    refused!.reader.raw(12);
    expect(refused!.reader.int()).toBe(35);
    expect(test.witness.summary().calls).toBe(0);
  });

  it("tells salts to come, the present one first", async () => {
    const open = await session();
    open.send(new TlWriter().int(0xb921bd04).int(3).finish());
    const { reader } = (await open.until(0xae500895))!;
    reader.raw(12);
    expect(reader.int()).toBe(3);
    const salts = Array.from({ length: 3 }, () => ({ since: reader.int(), until: reader.int(), salt: reader.long() }));
    expect(salts[0]!.salt).toBe(open.salt);
    expect(salts[1]!.since - salts[0]!.since).toBe(1800);
    open.salt = salts[1]!.salt;
    open.send(ping(1n));
    expect(await open.until(BAD_SERVER_SALT)).not.toBeNull();
  });

  it("tells what became of messages, drops answers, destroys sessions", async () => {
    const open = await session();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    faults.beforeAnswer = async () => {
      await held;
      return undefined;
    };
    const running = open.send(getNearestDc);
    open.send(new TlWriter().int(0xda69fb52).longs([running, 4n]).finish(), { content: false });
    const state = await open.until(0x04deb57d);
    state!.reader.raw(8);
    expect([...state!.reader.bytes()]).toEqual([4 | 32, 1]);
    const drop = open.send(new TlWriter().int(0x58e4a740).long(running).finish());
    expect(resultOf((await open.until(RPC_RESULT))!)).toMatchObject({ msgId: drop, id: 0xcd78e586 });
    release();
    open.send(new TlWriter().int(0xe7512126).long(4n).finish());
    expect((await open.until(0x62d350c9))!.reader.long()).toBe(4n);
    expect(open.received.filter((message) => message.id === RPC_RESULT)).toEqual([]);
  });

  it("waits for the message that a request names before it", async () => {
    const open = await session();
    const order: string[] = [];
    test.handlers.set("help.GetNearestDc", async (_request, context) => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`nearest ${context.msgId}`);
      return new TlWriter().int(NEAREST_DC).bytes("").int(2).int(2).finish();
    });
    const first = open.nextMsgId();
    const after = new TlWriter().int(0xcb9f372d).long(first).raw(getNearestDc).finish();
    open.client.send(open.seal(first, open.seqNo(true), getNearestDc));
    const second = open.send(after);
    await open.until(RPC_RESULT);
    await open.until(RPC_RESULT);
    expect(order).toEqual([`nearest ${first}`, `nearest ${second}`]);
  });

  it("answers what it cannot read, does not serve, or has not been introduced to", async () => {
    const open = await session();
    open.send(new TlWriter().int(0x7fedcba9).int(1).finish());
    expect(await errorOf(open)).toBe("400 INPUT_CONSTRUCTOR_INVALID");
    open.send(new TlWriter().int(0xda9b0d0d).finish());
    expect(await errorOf(open)).toBe("400 INPUT_CONSTRUCTOR_INVALID");
    open.send(new TlWriter().int(0x52029342).finish());
    expect(await errorOf(open)).toBe("501 METHOD_NOT_SERVED");
    const stranger = randomBytes(256);
    test.keys.plant({ key: stranger, dcId: 2, accountId: null, apiId: null });
    const unknown = await session(client(), stranger);
    unknown.send(getNearestDc);
    expect(await errorOf(unknown)).toBe("400 CONNECTION_NOT_INITED");
  });

  it("tells of a key that says another api_id than it logged in with", async () => {
    const open = await session();
    const init = new TlWriter().int(0xc1cd5ea9).int(0).int(1002);
    for (let field = 0; field < 6; field++) init.bytes("");
    open.send(init.raw(getNearestDc).finish());
    await open.until(RPC_RESULT);
    expect(test.witness.summary()).toMatchObject({ apiIdChanges: 1, callsByApiId: { 1002: 1 } });
    expect([...test.keys.all()][0]!.apiId).toBe(1001);
  });

  it("pushes updates, but not under invokeWithoutUpdates", async () => {
    const open = await session();
    open.send(getNearestDc);
    await open.until(RPC_RESULT);
    const keyId = [...test.keys.all()][0]!.keyId;
    const tooLong = new TlWriter().int(0xe317af7e).finish();
    expect(test.dc.push(keyId, tooLong)).toBe(1);
    expect(await open.until(0xe317af7e)).not.toBeNull();
    open.send(new TlWriter().int(0xbf9459b7).raw(getNearestDc).finish());
    await open.until(RPC_RESULT);
    expect(test.dc.push(keyId, tooLong)).toBe(0);
  });
});

describe("connections", () => {
  it("closes one whose ping delay ran out, and counts the delay in seconds from the last ping", async () => {
    const open = await session();
    const pingDelay = (seconds: number) => new TlWriter().int(0xf3427b8c).long(1n).int(seconds).finish();
    open.send(pingDelay(60_000));
    await open.until(PONG);
    const asked = performance.now();
    open.send(pingDelay(1));
    await open.until(PONG);
    await open.client.untilClosed();
    expect(performance.now() - asked).toBeGreaterThan(950);
  });

  it("goes on with a session that comes back on another connection", async () => {
    const open = await session();
    open.send(getNearestDc);
    await open.until(RPC_RESULT);
    const again = new DcSession(client(), key);
    Object.assign(again, { sessionId: open.sessionId, salt: open.salt });
    // One client counts its msg_ids over all its connections: the same one twice would be a resend.
    again.send(ping(1n), { msgId: open.nextMsgId() });
    await again.until(PONG);
    // The old connection speaks once more: one client, one session, two sockets.
    open.send(ping(2n));
    expect(test.witness.summary().keysKilled).toBe(0);
  });

  it("kills a key when the older of two sessions speaks after the newer, and closes", async () => {
    const older = await session();
    const newer = await session();
    expect(test.witness.summary().keysKilled).toBe(0);
    older.send(getNearestDc);
    expect(await errorOf(older)).toBe("406 AUTH_KEY_DUPLICATED");
    await older.client.untilClosed();
    newer.send(getNearestDc);
    expect(await errorOf(newer)).toBe("406 AUTH_KEY_DUPLICATED");
    await newer.client.untilClosed();
    const later = await session();
    later.send(getNearestDc);
    expect(await errorOf(later)).toBe("406 AUTH_KEY_DUPLICATED");
    expect(test.witness.summary().keysKilled).toBe(1);
  });

  it("does not kill where the older is closed, or silent", async () => {
    const closed = await session();
    closed.client.destroy();
    await eventually(() => test.witness.connectionsOpen() === 0);
    const silent = await session();
    const newest = await session();
    newest.send(getNearestDc);
    await newest.until(RPC_RESULT);
    silent.client.destroy();
    newest.send(getNearestDc);
    await newest.until(RPC_RESULT);
    expect(test.witness.summary().keysKilled).toBe(0);
  });

  it("counts a violation only for what was sent after the acknowledgement", async () => {
    await using flooding = await testDc({ floods: { take: () => ({ seconds: 60, errorMessage: "FLOOD_WAIT_60" }) } });
    const on = new DcClient(flooding.dc.port);
    clients.push(on);
    const open = await session(on, flooding.plant(3n));
    const early = open.nextMsgId();
    open.send(getNearestDc);
    const told = await open.until(RPC_RESULT);
    open.send(getNearestDc);
    expect(await errorOf(open)).toMatch(/^420 FLOOD_WAIT_(59|60)$/);
    expect(flooding.witness.summary()).toMatchObject({ earlyCalls: 1, violations: 0 });
    open.send(ack(told!.msgId), { content: false });
    // Made before the acknowledgement, arrived after it.
    open.send(getNearestDc, { msgId: early });
    await errorOf(open);
    expect(flooding.witness.summary()).toMatchObject({ earlyCalls: 2, violations: 0 });
    open.send(getNearestDc);
    await errorOf(open);
    expect(flooding.witness.summary()).toMatchObject({ earlyCalls: 3, violations: 1 });
    expect(flooding.witness.violations()[0]).toMatchObject({ accountId: 3n, method: "help.GetNearestDc" });
  });

  it("is cut at any byte that a test names", async () => {
    faults.cutAfterBytes = () => ({ received: 10 });
    const open = new DcSession(client(), key);
    open.send(ping(1n));
    expect(await open.client.receive()).toBeNull();
    faults.cutAfterBytes = () => ({ sent: 30 });
    const other = new DcSession(client(), key);
    other.send(ping(1n));
    expect(await other.client.receive()).toBeNull();
    expect(other.client.socket.bytesRead).toBe(30);
    faults.cutAfterBytes = () => undefined;
    faults.beforeAnswer = () => "lose";
    const third = await session();
    third.send(getNearestDc);
    third.send(ping(9n));
    await third.until(PONG);
    expect(third.received.map((message) => message.id)).toEqual([NEW_SESSION_CREATED]);
    expect(test.witness.summary().calls).toBe(1);
  });

  it("drops connections on demand", async () => {
    const one = await session();
    const other = await session(client(), test.plant(8n));
    expect(test.dc.dropConnections(({ accountIds }) => accountIds.includes(8n))).toBe(1);
    await other.client.untilClosed();
    expect(one.client.closed).toBe(false);
    expect(test.dc.dropConnections()).toBe(1);
  });
});

describe("bad input", () => {
  it("closes nothing but the connection that it came over", async () => {
    const witness = await session();
    const random = seeded(20_240_607);
    const transports: TransportName[] = ["full", "abridged", "intermediate", "padded"];
    for (let round = 0; round < 400; round++) {
      const on = client(transports[round % 4], round % 8 >= 4 && round % 4 > 0);
      const open = new DcSession(on, key);
      const bodies = [ping(1n), getNearestDc, gzipPacked(gzipSync(getNearestDc)), ack(1n), randomBytes(16)];
      const sealed =
        round % 3 === 0
          ? new TlWriter().long(0n).long(open.nextMsgId()).int(20).int(0xbe7e8ef1).raw(randomBytes(16)).finish()
          : open.seal(open.nextMsgId(), 1, bodies[round % bodies.length]!);
      const bytes = Buffer.from(on.frame(sealed));
      for (let change = 0; change <= random() * 3; change++)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      on.socket.end(bytes.subarray(0, Math.ceil(random() * bytes.length * 1.3)));
    }
    await Promise.all(clients.slice(1).map((on) => on.untilClosed()));
    witness.send(ping(77n));
    expect(await witness.until(PONG)).not.toBeNull();
    await eventually(() => test.witness.connectionsOpen() === 1);
  });

  it("survives messages that are well encrypted and make no sense", async () => {
    const random = seeded(7);
    let open = await session();
    for (let round = 0; round < 200; round++) {
      const body = Buffer.from(randomBytes(4 * (1 + Math.floor(random() * 30))));
      const ids = [
        0x73f1f8dc,
        0x62d6b459,
        GZIP_PACKED,
        0xda9b0d0d,
        0xc1cd5ea9,
        0xda69fb52,
        0xb921bd04,
        0xcb9f372d,
        0x4423e6c5,
      ];
      body.writeUInt32LE(ids[round % ids.length]!, 0);
      if (open.client.closed) open = await session();
      open.send(body);
    }
    const last = await session(client(), test.plant(99n));
    last.send(getNearestDc);
    expect(resultOf((await last.until(RPC_RESULT))!).id).toBe(NEAREST_DC);
  });

  it("refuses frames without end, and other protocols", async () => {
    for (const bytes of ["ffffff7f00000000", "ef7fffffff", "eeeeeeeeffffff7f", "474554202f20485454502f312e31"]) {
      const on = client();
      on.socket.write(Buffer.from(bytes, "hex"));
      await on.untilClosed();
    }
  });
});

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
