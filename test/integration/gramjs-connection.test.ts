import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { GZIP_PACKED, packGzip } from "../../emulator/dc/gzip.ts";
import { keyIdOf } from "../../emulator/dc/message-cipher.ts";
import { RpcError } from "../../emulator/dc/service.ts";
import { msgContainer } from "../../emulator/dc/service-messages.ts";
import { TlWriter } from "../../emulator/tl/primitives.ts";
import type { ConnectOptions, TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { MAX_UNPACKED_BYTES } from "../../telegram/gramjs/readers.ts";
import { readSession } from "../../telegram/gramjs/session-string.ts";
import { eventually } from "../support/eventually.ts";
import { sessionOf, startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

const ME = 6_000_000_001n;
/** The id of `bad_server_salt`, as it is sent. */
const BAD_SERVER_SALT = Buffer.from("7b44abed", "hex");

let telegram: WireTelegram;
const opened: TelegramConnection[] = [];

beforeAll(async () => {
  telegram = await startWireTelegram();
  telegram.world.addUser({
    id: ME,
    phone: "9996620001",
    firstName: "Ada",
    username: null,
    dcId: 2,
    premium: false,
    password: null,
  });
});

afterEach(async () => {
  delete telegram.faults.beforeAnswer;
  delete telegram.faults.beforeSealing;
  delete telegram.faults.beforeWriting;
  await Promise.all(opened.splice(0).map((connection) => connection.close()));
  await eventually(() => telegram.witness.connectionsOpen() === 0);
});

afterAll(() => telegram?.close());

async function open(session: string, more: Partial<ConnectOptions> = {}): Promise<TelegramConnection> {
  const connection = await connect(telegram.options(session, more));
  opened.push(connection);
  return connection;
}

async function keyIdIn(session: string): Promise<bigint> {
  return keyIdOf((await readSession(session)).authKey.getKey()!);
}

/** TCP sockets of this process, the servers' ends among them. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}

const times = (more: Partial<ConnectOptions["times"]>) => ({ ...telegram.options("").times, ...more });

/** A server that is no data center. */
async function strangeServer(onConnection: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    dataCenters: { addresses: [{ id: 2, host: "127.0.0.1", port }], publicKeyPem: null },
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

it("gives up on a server that never answers, and leaves no socket", async () => {
  const before = sockets();
  const server = await strangeServer((socket) => socket.resume());
  const options = { dataCenters: server.dataCenters, times: times({ connectDeadlineMs: 80 }) };
  await expect(open(await sessionOf(randomBytes(256)), options)).rejects.toMatchObject({
    kind: "transient",
    errorName: "DEADLINE_PASSED",
  });
  await expect(open("", options)).rejects.toMatchObject({ kind: "transient", errorName: "DEADLINE_PASSED" });
  await server.close();
  await eventually(() => sockets() === before);
});

it("gives up on a server that hangs up, and on one that is not there", async () => {
  const server = await strangeServer((socket) => socket.resume().end());
  const options = { dataCenters: server.dataCenters };
  await expect(open(await sessionOf(randomBytes(256)), options)).rejects.toMatchObject({ kind: "transient" });
  await expect(open("", options)).rejects.toMatchObject({ kind: "transient" });
  await server.close();
  await expect(open(await sessionOf(randomBytes(256)), options)).rejects.toMatchObject({
    kind: "transient",
    errorName: "ECONNREFUSED",
  });
});

it("takes a key that the data center does not know for lost", async () => {
  const before = sockets();
  await expect(open(await sessionOf(randomBytes(256)))).rejects.toMatchObject({
    kind: "auth_lost",
    errorName: "AUTH_KEY_INVALID",
  });
  await eventually(() => sockets() === before);
});

it("takes a session that was ended for lost", async () => {
  const session = await telegram.planted(ME);
  const record = telegram.keys.get(await keyIdIn(session))!;
  telegram.keys.change(record, { ended: { code: 401, errorMessage: "SESSION_REVOKED" } });
  await expect(open(session)).rejects.toMatchObject({ kind: "auth_lost", errorName: "SESSION_REVOKED" });
});

it("asks who it is with its first frame, and nothing else", async () => {
  const since = telegram.witness.calls().length;
  expect((await open(await telegram.planted(ME))).me).toMatchObject({ id: ME });
  expect(telegram.witness.calls().slice(since)).toMatchObject([{ method: "users.GetUsers" }]);
});

it("begins with the salt that the data center told last, and says nothing twice", async () => {
  const session = await telegram.planted(ME);
  let corrected = 0;
  telegram.faults.beforeSealing = (body) => {
    if (body.includes(BAD_SERVER_SALT)) corrected += 1;
    return body;
  };
  const first = await open(session);
  expect(corrected).toBe(1);
  await first.close();
  await open(session);
  expect(corrected).toBe(1);
});

it("asks once more where an unknown 401 answers, and believes it the second time", async () => {
  const refused = () => {
    throw new RpcError(401, "SOMETHING_NEW");
  };
  telegram.faults.beforeAnswer = refused;
  await expect(open(await telegram.planted(ME))).rejects.toMatchObject({
    kind: "auth_lost",
    errorName: "SOMETHING_NEW",
  });
  telegram.faults.beforeAnswer = () => {
    delete telegram.faults.beforeAnswer;
    return refused();
  };
  expect((await open(await telegram.planted(ME))).me).toMatchObject({ id: ME });
});

it("does not send when the gate is closed: nothing goes out, and the call fails as a lost lease", async () => {
  const gate = { open: true, isOpen: () => gate.open };
  const connection = await open(await telegram.planted(ME), { gate });
  const calls = telegram.witness.summary().calls;
  gate.open = false;
  await expect(connection.api.getMe()).rejects.toMatchObject({ kind: "lease_lost" });
  await eventually(() => telegram.witness.connectionsOpen() === 0);
  gate.open = true;
  await expect(connection.api.getMe()).rejects.toMatchObject({ kind: "lease_lost" });
  expect(telegram.witness.summary().calls).toBe(calls);
  gate.open = false;
  await expect(open(await telegram.planted(ME), { gate })).rejects.toMatchObject({ kind: "lease_lost" });
});

it("fails calls under way when the gate closes beneath them", async () => {
  const gate = { open: true, isOpen: () => gate.open };
  const connection = await open(await telegram.planted(ME), { gate });
  telegram.faults.beforeAnswer = (request) => (request.className === "users.GetUsers" ? "lose" : undefined);
  const asked = telegram.witness.calls({ method: "users.GetUsers" }).length;
  const waiting = expect(connection.api.getMe()).rejects.toMatchObject({ kind: "lease_lost" });
  await eventually(() => telegram.witness.calls({ method: "users.GetUsers" }).length > asked);
  gate.open = false;
  await expect(connection.api.fullChannel({ id: 1n, accessHash: 1n })).rejects.toMatchObject({ kind: "lease_lost" });
  await waiting;
});

it("gives a call its deadline, goes on with the next, and never sends the first again", async () => {
  const connection = await open(await telegram.planted(ME), { times: times({ callDeadlineMs: 300 }) });
  const since = telegram.witness.calls().length;
  telegram.faults.beforeAnswer = () => "lose";
  await expect(connection.api.getMe()).rejects.toMatchObject({ kind: "transient", errorName: "DEADLINE_PASSED" });
  delete telegram.faults.beforeAnswer;
  expect(await connection.api.getMe()).toMatchObject({ id: ME });
  expect(telegram.witness.calls().slice(since)).toHaveLength(2);
});

it("is not disturbed by answers that come after their deadline", async () => {
  const connection = await open(await telegram.planted(ME), { times: times({ callDeadlineMs: 300 }) });
  const late: (() => void)[] = [];
  const held = () => new Promise<undefined>((resolve) => late.push(() => resolve(undefined)));
  telegram.faults.beforeAnswer = async (request) => {
    await held();
    if (request.className === "messages.GetPeerDialogs") throw new RpcError(400, "LIMIT_INVALID");
    return undefined;
  };
  await expect(connection.api.getMe()).rejects.toMatchObject({ errorName: "DEADLINE_PASSED" });
  await expect(connection.api.peerDialogs([])).rejects.toMatchObject({ errorName: "DEADLINE_PASSED" });
  delete telegram.faults.beforeAnswer;
  for (const answer of late) answer();
  for (let turn = 0; turn < 3; turn += 1) expect(await connection.api.getMe()).toMatchObject({ id: ME });
});

it("does not come back by itself when the connection breaks", async () => {
  const before = timers();
  const connection = await open(await telegram.planted(ME));
  const total = telegram.witness.summary().connectionsTotal;
  const asked = telegram.witness.calls({ method: "users.GetUsers" }).length;
  telegram.faults.beforeAnswer = () => "lose";
  const broken = expect(connection.api.getMe()).rejects.toMatchObject({
    kind: "transient",
    errorName: "CONNECTION_LOST",
  });
  await eventually(() => telegram.witness.calls({ method: "users.GetUsers" }).length > asked);
  telegram.cluster.dropConnections();
  await broken;
  await expect(connection.api.getMe()).rejects.toMatchObject({ kind: "transient" });
  // GramJS's own reconnect would wait in a timer now.
  await eventually(() => timers() <= before);
  await connection.close();
  expect(telegram.witness.summary().connectionsTotal).toBe(total);
});

it("calls a key that goes unknown under way transient: the next connection decides", async () => {
  const session = await telegram.planted(ME);
  const connection = await open(session);
  telegram.keys.remove(await keyIdIn(session));
  await expect(connection.api.getMe()).rejects.toMatchObject({ kind: "transient" });
  await expect(open(session)).rejects.toMatchObject({ kind: "auth_lost", errorName: "AUTH_KEY_INVALID" });
});

it("says when a second connection has killed the key", async () => {
  const session = await telegram.planted(ME);
  const older = await open(session);
  const newer = await open(session);
  await expect(older.api.getMe()).rejects.toMatchObject({ kind: "auth_lost", errorName: "AUTH_KEY_DUPLICATED" });
  await expect(newer.api.getMe()).rejects.toMatchObject({ kind: "auth_lost" });
});

it("leaves nothing behind: no socket, no timer, no frame", async () => {
  const before = { sockets: sockets(), timers: timers() };
  const session = await telegram.planted(ME);
  const connection = await open(session, { times: times({ pingEveryMs: 20 }) });
  await connection.api.getMe();
  const pending = expect(connection.api.peerDialogs([])).rejects.toMatchObject({ kind: "transient" });
  await Promise.all([connection.close(), connection.close(), pending]);
  await eventually(() => telegram.witness.connectionsOpen() === 0);
  await eventually(() => sockets() === before.sockets && timers() <= before.timers);
  await expect(connection.api.getMe()).rejects.toMatchObject({ errorName: "CONNECTION_CLOSED" });
  expect(telegram.witness.connectionsOf(await keyIdIn(session))).toHaveLength(1);
});

it("asks the data center to drop it when it falls silent", async () => {
  const silent = times({ pingEveryMs: 60_000, pingDisconnectMs: 1_000 });
  const talking = times({ pingEveryMs: 200, pingDisconnectMs: 1_000 });
  const quiet = await open(await telegram.planted(ME), { times: silent });
  const alive = await open(await telegram.planted(ME), { times: talking });
  await eventually(() => telegram.witness.connectionsOpen() === 1, { timeoutMs: 60_000 });
  await expect(quiet.api.getMe()).rejects.toMatchObject({ kind: "transient" });
  expect(await alive.api.getMe()).toMatchObject({ id: ME });
});

it("is pushed no updates", async () => {
  const session = await telegram.planted(ME);
  const connection = await open(session);
  await connection.api.getMe();
  expect(telegram.cluster.push(await keyIdIn(session), Buffer.alloc(4))).toBe(0);
});

it("takes for lost what is no session", async () => {
  await expect(open("nonsense")).rejects.toMatchObject({ kind: "auth_lost", errorName: "SESSION_STRING_INVALID" });
});

it("ends a connection at a frame that its key did not seal, and the call with it", async () => {
  const { api } = await open(await telegram.planted(ME));
  telegram.faults.beforeWriting = (frame) => forged(frame);
  await expect(api.resolveUsername("somebody")).rejects.toMatchObject({
    kind: "transient",
    errorName: "CONNECTION_LOST",
  });
});

it("fails a call whose answer is a bomb, and goes on with the next", async () => {
  const { api } = await open(await telegram.planted(ME));
  telegram.faults.beforeSealing = (body) => (isAnswer(body) ? withResult(body, bomb) : body);
  await expect(api.resolveUsername("somebody")).rejects.toMatchObject({ kind: "transient" });
  delete telegram.faults.beforeSealing;
  await expect(api.resolveUsername("somebody")).rejects.toMatchObject({ errorName: "USERNAME_NOT_OCCUPIED" });
});

it("outlives a container of messages that cannot be read", async () => {
  const { api } = await open(await telegram.planted(ME));
  const packed = new TlWriter().int(GZIP_PACKED).bytes(Buffer.from("neither gzip nor zlib")).finish();
  const messages = [3n, 7n].map((msgId) => ({ msgId, seqNo: 1, body: packed }));
  telegram.faults.beforeSealing = () => msgContainer(messages);
  await expect(api.resolveUsername("somebody")).rejects.toMatchObject({
    kind: "transient",
    errorName: "CONNECTION_LOST",
  });
});

const bomb = packGzip(Buffer.alloc(MAX_UNPACKED_BYTES + 1));
const RPC_RESULT = 0xf35c6d01;
const isAnswer = (body: Buffer) => body.readUInt32LE(0) === RPC_RESULT;
const withResult = (body: Buffer, result: Buffer) => Buffer.concat([body.subarray(0, 12), result]);

/** Another byte in what is encrypted, and a checksum that fits. */
function forged(frame: Buffer): Buffer {
  const bytes = Buffer.from(frame);
  bytes[60]! ^= 1;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}
