import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { OperatorError } from "../../runtime/operator-error.ts";

export interface JournalEntry {
  readonly kind: string;
  readonly payload: unknown;
}

/** An append-only file of JSON lines: what happened to an emulated world since its beginning. */
export interface Journal {
  /**
   * Writes one entry before it comes back: what a client could have seen outlives a SIGKILL (not a power cut).
   * Payloads are plain values, with bigint and Buffer allowed.
   */
  append(kind: string, payload: unknown): void;
  /** The entries that were there when the journal was opened, oldest first; `kind` leaves only those of one kind. */
  replay(kind?: string): Iterable<JournalEntry>;
  close(): void;
}

/**
 * Opens `file`, or begins it. A last line that was cut off by a kill is dropped from the file.
 *
 * @throws OperatorError, on replay, where another line is not what was written
 */
export function openJournal(file: string): Journal {
  mkdirSync(dirname(file), { recursive: true });
  // Read as well, and always written at the end.
  const descriptor = openSync(file, "a+", 0o600);
  const kept = endOfLastLine(descriptor);
  ftruncateSync(descriptor, kept);
  let size = kept;
  let open = true;
  return {
    append(kind, payload) {
      if (!open) throw new Error("the journal is closed");
      const line = Buffer.from(`${JSON.stringify({ kind, payload: encode(payload) })}\n`);
      try {
        for (let written = 0; written < line.length; ) written += writeSync(descriptor, line, written);
      } catch (error) {
        // A full disk: half a line would spoil the next one.
        ftruncateSync(descriptor, size);
        throw error;
      }
      size += line.length;
    },
    *replay(kind) {
      let number = 0;
      for (const line of linesOf(descriptor, kept)) {
        number += 1;
        const entry = readEntry(line, `${file}, line ${number}`);
        if (kind === undefined || entry.kind === kind) yield { ...entry, payload: decode(entry.payload) };
      }
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

const CHUNK = 1 << 20;
const NEWLINE = 0x0a;

function endOfLastLine(descriptor: number): number {
  const chunk = Buffer.alloc(CHUNK);
  for (let end = fstatSync(descriptor).size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const read = readSync(descriptor, chunk, 0, end - start, start);
    const newline = chunk.subarray(0, read).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

/** The lines of the first `end` bytes, read bit by bit: a world that has lived long has a long journal. */
function* linesOf(descriptor: number, end: number): Generator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < end; ) {
    const buffer = Buffer.alloc(Math.min(CHUNK, end - at));
    const chunk = buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, at));
    if (chunk.length === 0) return;
    at += chunk.length;
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let from = 0;
    for (let newline = rest.indexOf(NEWLINE); newline >= 0; newline = rest.indexOf(NEWLINE, from)) {
      yield rest.toString("utf8", from, newline);
      from = newline + 1;
    }
    rest = rest.subarray(from);
  }
}

function readEntry(line: string, place: string): JournalEntry {
  try {
    const { kind, payload } = JSON.parse(line) as { kind: unknown; payload: unknown };
    if (typeof kind === "string") return { kind, payload };
  } catch (error) {
    throw new OperatorError(`${place}: damaged; delete the file to begin a new world`, { cause: error });
  }
  throw new OperatorError(`${place}: not a journal's line; delete the file to begin a new world`);
}

/** bigint and bytes as one-field objects; JSON has neither. */
function encode(value: unknown): unknown {
  if (typeof value === "bigint") return { $bigint: value.toString() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, encode(field)]));
}

function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== "object" || value === null) return value;
  const { $bigint, $bytes } = value as { $bigint?: unknown; $bytes?: unknown };
  if (typeof $bigint === "string") return BigInt($bigint);
  if (typeof $bytes === "string") return Buffer.from($bytes, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, decode(field)]));
}
