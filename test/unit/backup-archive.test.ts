import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CHUNK_BYTES, LENGTH_BYTES, TAG_BYTES } from "../../backup/archive/chunk.ts";
import { HEADER_BYTES } from "../../backup/archive/header.ts";
import { peekHeader, readArchive } from "../../backup/archive/read.ts";
import { ArchiveRefused } from "../../backup/archive/refused.ts";
import { writeArchive } from "../../backup/archive/write.ts";
import { readBackupKey } from "../../backup/key.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

const KEY = randomBytes(32);
const MADE = new Date("2026-01-02T03:04:05.678Z");
const SEALED_CHUNK = LENGTH_BYTES + CHUNK_BYTES + TAG_BYTES;
/** Three chunks and a bit. */
const RECORDS = Array.from({ length: 40 }, (_, index) => ({ index, text: randomBytes(2_500).toString("hex") }));

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gramfleet-backup-"));
  folders.push(folder);
  return folder;
}

async function archive(records: readonly unknown[] = RECORDS): Promise<string> {
  const file = join(newFolder(), "new", "one.gfb");
  await writeArchive(file, KEY, MADE, async ({ add }) => {
    for (const record of records) await add(record);
  });
  return file;
}

async function read(file: string, key = KEY): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const record of readArchive(file, key)) records.push(record);
  return records;
}

async function refusal(file: string, key = KEY): Promise<ArchiveRefused["reason"]> {
  const error = await read(file, key).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ArchiveRefused)) throw new Error("it was read", { cause: error });
  expect(error.message.split("\n")).toHaveLength(1);
  return error.reason;
}

test("what was written is read, and only its owner may", async () => {
  const file = await archive();
  expect(await read(file)).toEqual(RECORDS);
  expect((await peekHeader(file)).createdAt).toEqual(MADE);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(file, ".."))).toEqual(["one.gfb"]);
});

test("nothing is in clear, and no two archives of the same are alike", async () => {
  const [one, two] = [readFileSync(await archive()), readFileSync(await archive())];
  expect(one.includes(RECORDS[0]?.text.slice(0, 32) ?? "")).toBe(false);
  expect(one.subarray(HEADER_BYTES, HEADER_BYTES + 64).equals(two.subarray(HEADER_BYTES, HEADER_BYTES + 64))).toBe(
    false,
  );
});

test("nothing at all is archived and read, too", async () => {
  expect(await read(await archive([]))).toEqual([]);
});

test("with another key it is refused before anything is read", async () => {
  expect(await refusal(await archive(), randomBytes(32))).toBe("wrong_key");
});

test("a bit changed anywhere is refused: header, each chunk's length, body and tag", async () => {
  const file = await archive();
  const whole = readFileSync(file);
  const places = new Set<number>();
  for (let at = 0; at < HEADER_BYTES; at += 1) places.add(at);
  for (let chunk = HEADER_BYTES; chunk < whole.length; chunk += SEALED_CHUNK) {
    const end = Math.min(chunk + SEALED_CHUNK, whole.length);
    for (const at of [0, 1, 2, 3, 4, 5, 1_000]) places.add(chunk + at);
    for (let at = 1; at <= TAG_BYTES + 1; at += 1) places.add(end - at);
  }
  expect(places.size).toBeGreaterThan(HEADER_BYTES + 3 * 24);
  for (const at of places) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(file, bytes);
    expect(["no_archive", "newer_version", "wrong_key", "altered", "truncated"]).toContain(await refusal(file));
  }
});

test("cut short anywhere it is refused, at the ends of chunks too", async () => {
  const file = await archive();
  const whole = readFileSync(file);
  const ends = [0, 1, 2, 3].map((count) => HEADER_BYTES + count * SEALED_CHUNK);
  for (const length of [0, 7, 8, 20, HEADER_BYTES - 1, ...ends, ...ends.map((end) => end + 3), whole.length - 1]) {
    writeFileSync(file, whole.subarray(0, length));
    expect(await refusal(file)).toBe(length < 8 ? "no_archive" : "truncated");
  }
});

test("chunks in another order, left out, twice, or of another archive, and what follows the end, are refused", async () => {
  const file = await archive();
  const whole = readFileSync(file);
  const other = readFileSync(await archive());
  const header = whole.subarray(0, HEADER_BYTES);
  const chunk = (number: number, of = whole) =>
    of.subarray(HEADER_BYTES + number * SEALED_CHUNK, HEADER_BYTES + (number + 1) * SEALED_CHUNK);
  const rest = whole.subarray(HEADER_BYTES + 2 * SEALED_CHUNK);
  const forgeries = {
    swapped: [header, chunk(1), chunk(0), rest],
    "left out": [header, chunk(0), rest],
    twice: [header, chunk(0), chunk(0), chunk(1), rest],
    "of another": [header, chunk(0), chunk(1, other), rest],
    "another's header": [other.subarray(0, HEADER_BYTES), whole.subarray(HEADER_BYTES)],
    "more after its end": [whole, Buffer.from("x")],
  };
  for (const parts of Object.values(forgeries)) {
    writeFileSync(file, Buffer.concat(parts));
    expect(await refusal(file)).toBe("altered");
  }
  // A chunk that is not the last, said to be it.
  const early = Buffer.from(whole.subarray(0, HEADER_BYTES + SEALED_CHUNK));
  early[HEADER_BYTES] = 0x80;
  writeFileSync(file, early);
  expect(await refusal(file)).toBe("altered");
});

test("a newer version is refused as such, and so is what is no archive", async () => {
  const file = await archive();
  const bytes = readFileSync(file);
  bytes.writeUInt16BE(2, 8);
  writeFileSync(file, bytes);
  expect(await refusal(file)).toBe("newer_version");
  writeFileSync(file, randomBytes(100_000));
  expect(await refusal(file)).toBe("no_archive");
});

test("what fails half-way leaves nothing behind, and what was there stays", async () => {
  const file = await archive();
  const before = readFileSync(file);
  await expect(
    writeArchive(file, KEY, MADE, async ({ add }) => {
      await add(RECORDS);
      throw new Error("the database went away");
    }),
  ).rejects.toThrow("went away");
  expect(readdirSync(join(file, ".."))).toEqual(["one.gfb"]);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("the key's file: as it is or in base64, and no other's to read", () => {
  const file = join(newFolder(), "backup.key");
  const written = (content: string | Buffer, mode = 0o600) => {
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };
  expect(readBackupKey(written(KEY))).toEqual(KEY);
  expect(readBackupKey(written(`${KEY.toString("base64")}\n`, 0o440))).toEqual(KEY);
  for (const mode of [0o604, 0o644, 0o620, 0o601])
    expect(() => readBackupKey(written(KEY, mode))).toThrow(/others may read or write/);
  for (const content of ["", "short", randomBytes(33), KEY.toString("hex")])
    expect(() => readBackupKey(written(content))).toThrow(/is no key/);
  expect(() => readBackupKey(join(newFolder(), "none"))).toThrow(OperatorError);
});
