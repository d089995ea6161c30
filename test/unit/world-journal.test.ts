import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../emulator/world/journal.ts";
import type { World } from "../../emulator/world/model.ts";
import { type OpenWorldOptions, openWorld } from "../../emulator/world/open.ts";
import { createRandom } from "../../emulator/world/random.ts";
import { trafficStep } from "../../emulator/world/traffic.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { exportBytes, SMALL_EXPORT } from "../support/export-file.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gramfleet-world-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

let now = 1_700_000_000_000;
const options = (): OpenWorldOptions => ({ dir, seed: 7, users: 6, channels: 4, clock: { now: () => now } });
const journalFile = () => join(dir, "world.jsonl");
const stateOf = (world: World) => structuredClone({ users: [...world.users], channels: [...world.channels] });

function live(world: World, steps: number) {
  const random = createRandom("life");
  for (let step = 0; step < steps; step += 1) trafficStep(world, random, now + step * 1_000);
}

describe("openWorld", () => {
  it("goes on where the last process was killed, years of clock later", () => {
    const first = openWorld(options());
    live(first.world, 400);
    const [user] = first.world.users.keys();
    const [channel] = first.world.channels.keys();
    first.world.leave(user!, channel!);
    first.world.addUser({ ...first.world.users.get(user!)!, id: 42n, phone: "9996630042", username: "new" });
    const state = stateOf(first.world);
    // Not closed: a SIGKILL asks nobody.
    now += 1e11;
    const second = openWorld(options());
    expect(stateOf(second.world)).toEqual(state);
    expect(second.createdAt).toBe(first.createdAt);
    live(second.world, 50);
    second.close();
    first.close();
    expect(stateOf(openWorld(options()).world)).toEqual(stateOf(second.world));
  });

  it("drops a last line that was cut off, and writes on after the ones before", () => {
    const first = openWorld(options());
    live(first.world, 20);
    const state = stateOf(first.world);
    const whole = readFileSync(journalFile()).length;
    live(first.world, 1);
    first.close();
    const longer = readFileSync(journalFile()).length;
    for (const cut of [longer - 1, whole + 1]) {
      truncateSync(journalFile(), cut);
      const again = openWorld(options());
      expect(stateOf(again.world)).toEqual(state);
      again.close();
      expect(readFileSync(journalFile()).length).toBe(whole);
      appendFileSync(journalFile(), '{"kind":"wor');
    }
  });

  it("keeps what others append, bytes and 64-bit numbers included", () => {
    const first = openWorld(options());
    const key = { keyId: -(2n ** 62n), key: Buffer.from([0, 255, 7]), nested: [{ accountId: 5n }, null], ended: null };
    first.journal?.append("auth_key", key);
    live(first.world, 3);
    first.close();
    expect(() => first.journal?.append("auth_key", key)).toThrow("closed");
    const second = openWorld(options());
    expect([...second.journal!.replay("auth_key")]).toEqual([{ kind: "auth_key", payload: key }]);
    second.close();
  });

  it("refuses a directory whose world began otherwise, or is damaged", () => {
    openWorld(options()).close();
    expect(() => openWorld({ ...options(), users: 7 })).toThrow(/began with other users/);
    expect(() => openWorld({ ...options(), seed: 8 })).toThrow(OperatorError);
    const lines = readFileSync(journalFile(), "utf8");
    writeFileSync(journalFile(), `${lines}garbage\n${lines}`);
    expect(() => openWorld(options())).toThrow("line 2: damaged");
  });

  it("loads nothing, and leaves nothing behind, where one of the files is no export", () => {
    const good = join(dir, "good_channel.json");
    const bad = join(dir, "bad.json");
    writeFileSync(good, exportBytes(SMALL_EXPORT));
    writeFileSync(bad, exportBytes(SMALL_EXPORT).subarray(0, 900));
    expect(() => openWorld({ ...options(), files: [good, bad] })).toThrow(`${bad}: ends too early at line`);
    expect(existsSync(journalFile())).toBe(false);
    expect(() => openWorld({ ...options(), files: [join(dir, "none.json")] })).toThrow("cannot be read: ENOENT");
    writeFileSync(
      bad,
      exportBytes({ ...SMALL_EXPORT, id: 9, messages: [{ ...SMALL_EXPORT.messages[0], action: "dance" }] }),
    );
    expect(() => openWorld({ ...options(), files: [good, bad] })).toThrow(
      'message 1: the emulator has no service message "dance"',
    );
    expect(existsSync(journalFile()) && readFileSync(journalFile(), "utf8")).toBeFalsy();
    const opened = openWorld({ ...options(), files: [good] });
    expect(opened.world.channelByUsername("good_channel")?.participants).toBe(6);
    opened.close();
  });

  it("keeps nothing without a directory", () => {
    const opened = openWorld({ ...options(), dir: null });
    expect(opened.journal).toBeNull();
    expect(opened.world.channels.size).toBe(4);
  });
});

describe("openJournal", () => {
  it("replays in order, all or one kind", () => {
    const journal = openJournal(join(dir, "deep/er", "j.jsonl"));
    for (let count = 0; count < 5; count += 1)
      journal.append(count % 2 ? "odd" : "even", { count, text: "a\nb\u2028" });
    journal.close();
    const again = openJournal(join(dir, "deep/er", "j.jsonl"));
    expect([...again.replay()].map(({ payload }) => (payload as { count: number }).count)).toEqual([0, 1, 2, 3, 4]);
    expect([...again.replay("odd")]).toHaveLength(2);
    again.close();
  });

  it("reads a long journal bit by bit, signs on the borders whole, and drops a long torn line", () => {
    const file = join(dir, "long.jsonl");
    const journal = openJournal(file);
    const texts = Array.from({ length: 40 }, (_, index) => "👩🏽‍💻ы".repeat(5_000 + index));
    for (const text of texts) journal.append("text", text);
    journal.close();
    const whole = readFileSync(file).length;
    expect(whole).toBeGreaterThan(3 * 2 ** 20);
    appendFileSync(file, `{"kind":"text","payload":"${"x".repeat(3_000_000)}`);
    const again = openJournal(file);
    expect([...again.replay()].map(({ payload }) => payload)).toEqual(texts);
    expect(readFileSync(file).length).toBe(whole);
    again.close();
  });
});
