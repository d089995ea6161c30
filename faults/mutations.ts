import { crc32, gzipSync } from "node:zlib";
import type { Faults, FaultyConnection } from "../emulator/dc/faults.ts";
import { GZIP_PACKED } from "../emulator/dc/gzip.ts";
import { msgContainer, pong } from "../emulator/dc/service-messages.ts";
import { TlWriter } from "../emulator/tl/primitives.ts";
import type { Random } from "../emulator/world/random.ts";

/** More than a process may grow by. */
const BOMB_BYTES = 128 * 1024 * 1024;
/** As TCP full frames begin: length and sequence number. */
const HEAD_BYTES = 8;
const RPC_RESULT = 0xf35c6d01;

/** What is wrong with a frame that a data center sends. All of it must be refused: nothing of it may be believed. */
export interface Mutations {
  /** Names of the kinds, for counting. */
  readonly kinds: readonly string[];
  /** Sealed with the right key: the data center itself is wrong. */
  readonly inside: Readonly<Record<string, (body: Buffer) => Buffer>>;
  /** Bytes that changed on their way. */
  readonly outside: Readonly<Record<string, (frame: Buffer) => Buffer>>;
}

export function createMutations(random: Random): Mutations {
  const packed = (bytes: Buffer) => new TlWriter(bytes.length + 16).int(GZIP_PACKED).bytes(bytes).finish();
  const gzip = gzipSync(Buffer.alloc(BOMB_BYTES));
  const bomb = packed(gzip);
  // Gzip says at its end how much it is.
  const lyingBomb = packed(Buffer.concat([gzip.subarray(0, -4), Buffer.from([4, 0, 0, 0])]));
  const broken = packed(Buffer.from("neither gzip nor zlib"));
  const message = (body: Buffer) => ({ msgId: 1n, seqNo: 1, body });
  const two = (body: Buffer) => msgContainer([message(body), message(body)]);
  const inside: Mutations["inside"] = {
    "bomb for an answer": (body) =>
      body.readUInt32LE(0) === RPC_RESULT ? Buffer.concat([body.subarray(0, 12), bomb]) : bomb,
    bomb: () => bomb,
    "bomb that says to be small": () => lyingBomb,
    "container of bombs": () => two(bomb),
    "container of what is no gzip": () => two(broken),
    "container in a container": () => two(two(pong(1n, 2n))),
    "container without an end": () => {
      const bytes = two(pong(1n, 2n));
      bytes.writeInt32LE(0x7fffffff, 4);
      bytes.writeInt32LE(random.pick([-36, 0, 6, 0x7ffffffc]), 20);
      return bytes;
    },
    "cut short": (body) => body.subarray(0, 4 * random.int(1, Math.min(4, body.length / 4 - 1))),
  };
  const outside: Mutations["outside"] = {
    "changed bytes": (frame) => changed(random, frame, 0),
    "changed bytes, right checksum": (frame) => withChecksum(changed(random, frame, HEAD_BYTES)),
    "wrong length": (frame) => {
      const bytes = Buffer.from(frame);
      const { length } = frame;
      bytes.writeInt32LE(random.pick([0, 4, 12, 17, -1, -429, 0x7ffffffc, 5_000_000, length - 4, length + 4]), 0);
      return bytes;
    },
    "cut short, right checksum": (frame) => {
      const bytes = Buffer.from(frame.subarray(0, HEAD_BYTES + 8 + 4 * random.int(1, (frame.length - 24) / 4)));
      bytes.writeInt32LE(bytes.length, 0);
      return withChecksum(bytes);
    },
    noise: (frame) => {
      const bytes = Buffer.alloc(frame.length);
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.int(0, 255);
      return bytes;
    },
  };
  return { kinds: [...Object.keys(inside), ...Object.keys(outside)], inside, outside };
}

function changed(random: Random, frame: Buffer, from: number): Buffer {
  const bytes = Buffer.from(frame);
  for (let change = random.int(1, 4); change > 0; change -= 1) {
    const at = random.int(from, frame.length - 5);
    // Twice the same place must not make it what it was.
    bytes[at] = (frame[at] ?? 0) ^ random.int(1, 255);
  }
  return bytes;
}

function withChecksum(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

/** Mutated frames that were sent, with where and when. */
export interface MutatedFrame {
  readonly connectionId: number;
  readonly kind: string;
  readonly at: number;
}

/** One frame of each connection is mutated, some of its first ones, but for connections of accounts that are spared. */
export function mutateFrames(random: Random, spared: (accountId: bigint) => boolean) {
  const { kinds, inside, outside } = createMutations(random);
  const frames: MutatedFrame[] = [];
  const due = new Map<number, number>();
  /** The kind that this connection's next frame gets, once; null for none. */
  const next = new Map<number, string>();
  let on = true;
  const dueNow = (connection: FaultyConnection): string | null => {
    const { connectionId } = connection.state;
    if (!on || connection.keys().some(({ accountId }) => accountId === null || spared(accountId))) return null;
    const left = due.get(connectionId) ?? random.int(0, 3);
    due.set(connectionId, left - 1);
    return left === 0 ? random.pick(kinds) : null;
  };
  const note = (connectionId: number, kind: string) => void frames.push({ connectionId, kind, at: Date.now() });
  const faults: Faults = {
    beforeSealing(body, connection) {
      const kind = dueNow(connection);
      if (kind === null) return body;
      const { connectionId } = connection.state;
      const mutate = inside[kind];
      if (!mutate || body.length < 8) {
        next.set(connectionId, kind in outside ? kind : "changed bytes");
        return body;
      }
      note(connectionId, kind);
      return mutate(body);
    },
    beforeWriting(frame, connection) {
      const { connectionId } = connection.state;
      const kind = next.get(connectionId);
      next.delete(connectionId);
      const mutate = kind === undefined ? undefined : outside[kind];
      if (kind === undefined || !mutate) return frame;
      note(connectionId, kind);
      return mutate(frame);
    },
  };
  return {
    faults,
    frames,
    stop: () => {
      on = false;
    },
  };
}
