import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
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
 * Opens `file`, or begins it. A last line that was cut off by a kill is dropped from the file too.
 *
 * @throws OperatorError where another line is not what was written
 */
export function openJournal(file: string): Journal {
  mkdirSync(dirname(file), { recursive: true });
  const { entries, bytes } = existsSync(file) ? readEntries(file) : { entries: [], bytes: 0 };
  const descriptor = openSync(file, "a", 0o600);
  ftruncateSync(descriptor, bytes);
  let open = true;
  return {
    append(kind, payload) {
      if (!open) throw new Error("the journal is closed");
      const line = Buffer.from(`${JSON.stringify({ kind, payload: encode(payload) })}\n`);
      for (let written = 0; written < line.length; ) written += writeSync(descriptor, line, written);
    },
    *replay(kind) {
      for (const entry of entries) if (kind === undefined || entry.kind === kind) yield entry;
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function readEntries(file: string): { entries: JournalEntry[]; bytes: number } {
  const content = readFileSync(file);
  const bytes = content.lastIndexOf(0x0a) + 1;
  const lines = content.subarray(0, bytes).toString("utf8").split("\n").slice(0, -1);
  return { entries: lines.map((line, index) => readEntry(line, `${file}, line ${index + 1}`)), bytes };
}

function readEntry(line: string, place: string): JournalEntry {
  try {
    const { kind, payload } = JSON.parse(line) as { kind: unknown; payload: unknown };
    if (typeof kind === "string") return { kind, payload: decode(payload) };
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
