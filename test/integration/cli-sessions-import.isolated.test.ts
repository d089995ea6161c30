import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Emulator } from "../../emulator/start.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { jsonOf, prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { pyrogramFile, telethonFile } from "../support/session-files.ts";

const GIVEN = new URL("../../../shared/data/sessions/", import.meta.url);
const dir = fileDataDir();
prepareCommands();
const redis = testRedis();
let emulator: Emulator;
let home: TestDatabase;
/** Where Telegram is, and nothing else. */
let there: NodeJS.ProcessEnv;
let env: NodeJS.ProcessEnv;
let people = 0n;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 1, channels: 2 });
  home = await testDatabase();
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  there = {
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
  };
  env = {
    ...there,
    DATABASE_URL: home.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    SESSION_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
  };
});
afterAll(async () => {
  await home?.drop();
  await emulator?.close();
});

const apiId = () => emulator.apiIds[0]?.apiId ?? 0;
const run = (...args: string[]) => runHere(["sessions", "import", ...args], { env });
const dry = (...args: string[]) => runHere(["sessions", "import", ...args, "--dry-run", "--json"], { env: there });

/** Somebody of data center 2 who is logged in by this key. */
function person(key = randomBytes(256)) {
  people += 1n;
  const id = 6_400_000_000n + people;
  const known = { firstName: "Ada", username: null, premium: false, dcId: 2, password: null };
  emulator.world.addUser({ id, phone: `99966270${String(people).padStart(2, "0")}`, ...known });
  emulator.keys.plant({ key, dcId: 2, accountId: id, apiId: apiId() });
  return { id, key };
}

function file(name: string, bytes: Buffer | string): string {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
}

/** Nothing in this process opens a connection while `work` runs, nor does the emulator see one. */
async function withoutConnection(work: () => Promise<void>): Promise<void> {
  const before = emulator.witness.summary().connectionsTotal;
  const connecting = vi.spyOn(Socket.prototype, "connect");
  try {
    await work();
    expect(connecting).not.toHaveBeenCalled();
    expect(emulator.witness.summary().connectionsTotal).toBe(before);
  } finally {
    connecting.mockRestore();
  }
}

const oneLine = /^gramfleet: [^\n]+\n$/;

describe.skipIf(!existsSync(GIVEN))("of the sessions that others wrote", () => {
  const vectors = existsSync(GIVEN)
    ? (JSON.parse(readFileSync(new URL("vectors.json", GIVEN), "utf8")) as Vectors)
    : { positive: [], negative: [] };
  const broken = existsSync(GIVEN)
    ? readdirSync(GIVEN).filter((name) => name.endsWith(".session") && !name.includes("_valid"))
    : [];

  it("nine strings are described, and nothing is connected with", async () => {
    expect(vectors.positive).toHaveLength(9);
    await withoutConnection(async () => {
      for (const { name, format, string, expect: wanted } of vectors.positive) {
        const ran = await dry("--string", string);
        expect(ran, `${name}: ${ran.stderr}`).toMatchObject({ code: 0, stderr: "" });
        const isLocal = wanted.ip === "127.0.0.1";
        expect(jsonOf(ran), name).toEqual({
          ...{ format, dcId: wanted.dc, address: wanted.ip ?? null, port: wanted.port ?? null },
          ...{ keySha256: wanted.auth_key_sha256, apiId: wanted.api_id ?? null, isTest: wanted.test ?? null },
          ...{ userId: wanted.user_id === undefined ? null : String(wanted.user_id), isBot: wanted.bot ?? null },
          addressAllowed: isLocal || !wanted.ip || /^149\.154\.|^2001:b28:/.test(wanted.ip),
        });
      }
    });
  });

  it("nine strings and four files are refused, each with its reason, and nothing is connected with", async () => {
    expect([vectors.negative.length, broken.length]).toEqual([9, 4]);
    await withoutConnection(async () => {
      const each = [
        ...vectors.negative.map(({ name, string }) => ({ name, given: ["--string", string] })),
        ...broken.map((name) => ({ name, given: ["--file", new URL(name, GIVEN).pathname] })),
      ];
      for (const { name, given } of each)
        for (const how of [["--dry-run"], ["--yes", "--api-id", String(apiId())]]) {
          const ran = await run(...given, ...how);
          expect(ran, name).toMatchObject({ code: 1, stdout: "" });
          expect(ran.stderr).toMatch(oneLine);
          expect(ran.stderr, name).toMatch(/ is no session to import: .* \([a-z_]+\)\n$/);
        }
    });
  });

  it("those of a server that is not Telegram's are described, and not imported", async () => {
    await withoutConnection(async () => {
      const strange = vectors.positive.filter(({ expect: { ip } }) => ip === "192.168.0.1" || ip === "2001:db8::");
      expect(strange).toHaveLength(2);
      for (const { string } of strange) {
        const ran = await run("--string", string, "--yes", "--api-id", String(apiId()));
        expect(ran).toMatchObject({ code: 1, stdout: "" });
        expect(ran.stderr).toContain("is neither Telegram's nor in TELEGRAM_DC");
      }
    });
  });
});

it("asks for what it cannot know, and refuses what cannot be", async () => {
  const path = file("plain.session", await telethonFile({ address: "127.0.0.1", port: 4430, key: randomBytes(256) }));
  const bot = file("bot.session", await pyrogramFile({ key: randomBytes(256) }, { userId: 5n, isBot: true }));
  const own = ["--api-id", "424242"];
  file("open.session", readFileSync(path));
  file("open.session-wal", "not merged yet");
  mkdirSync(join(dir, "folder.session"));
  await withoutConnection(async () => {
    for (const [args, code, said] of [
      [["--file", path, "--yes"], 2, 'no terminal to ask "api_id that it was made with" on: give --api-id'],
      [["--file", path, "--yes", ...own], 2, 'no terminal to ask "api_hash of 424242" on: give --api-hash'],
      [["--file", path, ...own, "--api-hash", "short"], 2, "32 hexadecimal digits"],
      [["--file", path, "--api-id", String(apiId())], 2, "must be stopped for good"],
      [["--file", path, "--string", "1"], 2, "not both"],
      [["--file", bot, "--yes"], 1, "it is a bot's"],
      [["--file", join(dir, "none.session")], 1, "there is no such file (unreadable)"],
      [["--file", join(dir, "folder.session")], 1, "it is no file (unreadable)"],
      [["--file", join(dir, "open.session")], 1, "its program has it open, or was killed"],
      [["--file", "/dev/zero"], 1, "it is no file (unreadable)"],
      [[], 2, "give --string - or --file"],
    ] as const) {
      const ran = await run(...args);
      expect(ran.stderr).toContain(said);
      expect(ran.stderr).toMatch(oneLine);
      expect(ran).toMatchObject({ code, stdout: "" });
    }
  });
});

it("takes over files of our writer's and of others', and reads a channel by them", async () => {
  const ada = person();
  const files = [file("ada.session", await telethonFile({ dcId: 2, key: ada.key }))];
  const ids = [ada.id];
  if (existsSync(GIVEN)) {
    const given = new URL("telethon_v7_valid.session", GIVEN).pathname;
    const described = jsonOf<{ keySha256: string }>(await dry("--file", given));
    const { positive } = JSON.parse(readFileSync(new URL("vectors.json", GIVEN), "utf8")) as Vectors;
    const same = positive.find(({ name }) => name === "synthetic_gramjs_local");
    expect(described.keySha256).toBe(same?.expect.auth_key_sha256);
    ids.push(person(Buffer.from(same?.string.slice(1) ?? "", "base64").subarray(-256)).id);
    files.push(given);
  }
  const bob = person();
  files.push(file("bob.session", await pyrogramFile({ key: bob.key }, { userId: bob.id, apiId: apiId(), version: 7 })));
  ids.push(bob.id);
  for (const [index, path] of files.entries()) {
    const ran = await run("--file", path, "--api-id", String(apiId()), "--yes", "--json");
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(jsonOf(ran)).toMatchObject({ telegramId: String(ids[index]), state: "AUTHORIZED", apiId: apiId() });
  }
  const again = await run("--file", files[0] ?? "", "--api-id", String(apiId()), "--yes");
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain("its key is kept here already");

  const channel = [...emulator.world.channels.values()].find(({ username }) => username !== null)?.username ?? "";
  const worker = startGramfleet(["worker"], { env });
  for (const id of ids)
    expect(await runHere(["channels", "add", String(id), channel], { env })).toMatchObject({ code: 0 });
  await worker.ready();
  const parsed = await runHere(["parse", ...ids.map(String), "--wait", "--json"], { env });
  expect(jsonOf(parsed), parsed.stderr).toEqual(
    ids.map((id) => ({
      ...{ telegramId: String(id), outcome: "done" },
      run: expect.objectContaining({ channels: 1 }),
    })),
  );
  const posts = await runHere(["tail", String(ada.id), "--from-start", "--no-follow", "--json"], { env });
  expect(posts.stdout.trim().split("\n").length).toBeGreaterThan(5);
  worker.signal("SIGTERM");
  await worker.ended;
  expect(emulator.witness.keysKilled()).toEqual([]);
});

it("hands a session out to a new file of 0600 alone, and parks it", async () => {
  const ada = person();
  const path = file("export-me.session", await telethonFile({ dcId: 2, key: ada.key }));
  await run("--file", path, "--api-id", String(apiId()), "--yes");
  const out = (format: string) => join(dir, `exported.${format}`);
  const hand = (format: string, ...more: string[]) =>
    runHere(["sessions", "export", String(ada.id), "--format", format, "--out", out(format), ...more], { env });
  const unsure = await hand("gramjs");
  expect(unsure).toMatchObject({ code: 2, stdout: "" });
  expect(unsure.stderr).toContain("say --i-know-what-this-is");
  expect(existsSync(out("gramjs"))).toBe(false);

  for (const format of ["gramjs", "telethon", "pyrogram"]) {
    const ran = await hand(format, "--i-know-what-this-is", "--json");
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(jsonOf(ran)).toMatchObject({ telegramId: String(ada.id), format, file: out(format), parked: true });
    expect(statSync(out(format)).mode & 0o777).toBe(0o600);
    expect(ran.stdout + ran.stderr).not.toContain(readFileSync(out(format), "utf8").trim());
    const described = jsonOf(await dry("--file", out(format)));
    expect(described).toMatchObject({ format: `${format}-string`, dcId: 2, addressAllowed: true });
    expect(described).toMatchObject({ keySha256: createHash("sha256").update(ada.key).digest("hex") });
    if (format === "pyrogram") expect(described).toMatchObject({ userId: String(ada.id), apiId: apiId() });
  }
  const status = jsonOf<{ holds: string[]; events: { reason: string }[] }>(
    await runHere(["sessions", "status", String(ada.id), "--json"], { env }),
  );
  expect(status.holds).toEqual(["parked"]);
  expect(status.events.map(({ reason }) => reason)).toEqual([
    ...["imported (telethon-sqlite)", "exported (gramjs)", "exported (telethon)", "exported (pyrogram)"],
  ]);

  const again = await hand("gramjs", "--i-know-what-this-is");
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain("is there already");
  const nobody = ["sessions", "export", "77", "--format", "gramjs", "--out", join(dir, "77"), "--i-know-what-this-is"];
  expect(await runHere(nobody, { env })).toMatchObject({ code: 1, stdout: "" });
  expect(existsSync(join(dir, "77"))).toBe(false);
});

it("discovers what lies in a folder, and imports what may be", async () => {
  const [ada, bob] = [person(), person()];
  const folder = join(dir, "old");
  mkdirSync(join(folder, "more", "tdata"), { recursive: true });
  const telethon = await telethonFile({ dcId: 2, key: ada.key });
  writeFileSync(join(folder, "ada.session"), telethon);
  writeFileSync(join(folder, "copy.session"), telethon);
  const pyrogram = await pyrogramFile({ key: bob.key }, { userId: bob.id, apiId: apiId() });
  writeFileSync(join(folder, "more", "bob.session"), pyrogram);
  writeFileSync(join(folder, "more", "tdata", "key_datas"), "TDF$");
  writeFileSync(join(folder, "cut.session"), telethon.subarray(0, 5_000));
  writeFileSync(join(folder, "notes.txt"), "buy milk");
  writeFileSync(join(folder, "elsewhere.session"), await telethonFile({ address: "10.0.0.1", key: randomBytes(256) }));
  symlinkSync("/etc", join(folder, "away"));
  symlinkSync(join(folder, "ada.session"), join(folder, "linked.session"));
  const look = (...more: string[]) => runHere(["sessions", "discover", folder, ...more, "--json"], { env: there });
  interface Told {
    readonly path: string;
    readonly format: string | null;
    readonly importable: boolean;
    readonly why: string | null;
  }
  await withoutConnection(async () => {
    const ran = await look("--dry-run");
    expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: "" });
    const { sessions, links } = jsonOf<{ sessions: Told[]; links: number }>(ran);
    expect(links).toBe(2);
    expect(sessions.map(({ path, format, importable, why }) => [path, format, importable, why])).toEqual([
      ["ada.session", "telethon-sqlite", true, null],
      ["copy.session", "telethon-sqlite", false, "it has the same key as ada.session"],
      ["cut.session", null, false, "it is a SQLite database that is cut off (malformed)"],
      ["elsewhere.session", "telethon-sqlite", false, expect.stringContaining("neither Telegram's nor in TELEGRAM_DC")],
      ["more/bob.session", "pyrogram-sqlite", true, null],
      ["more/tdata", "tdesktop", false, expect.stringContaining("log in by QR code")],
    ]);
    const human = await runHere(["sessions", "discover"], { env: { ...there, SESSIONS_BASE_PATH: folder } });
    expect(human.stdout).toMatch(/^more\/bob\.session +pyrogram-sqlite +2 +\d+ +[0-9a-f]{16} +yes$/m);
    expect((await runHere(["sessions", "discover"], { env: there })).code).toBe(2);
  });
  const imported = await runHere(
    ["sessions", "discover", folder, "--import", "--api-id", String(apiId()), "--yes", "--json"],
    { env },
  );
  expect(imported, imported.stderr).toMatchObject({ code: 0 });
  const outcomes = jsonOf<{ path: string; telegramId?: string }[]>(imported);
  expect(outcomes.filter(({ telegramId }) => telegramId).map(({ path, telegramId }) => [path, telegramId])).toEqual([
    ["ada.session", String(ada.id)],
    ["more/bob.session", String(bob.id)],
  ]);
  expect(emulator.witness.keysKilled()).toEqual([]);
});

interface Vectors {
  readonly positive: readonly {
    readonly name: string;
    readonly format: string;
    readonly string: string;
    readonly expect: {
      readonly dc: number;
      readonly ip?: string;
      readonly port?: number;
      readonly auth_key_sha256: string;
      readonly api_id?: number;
      readonly user_id?: number;
      readonly test?: boolean;
      readonly bot?: boolean;
    };
  }[];
  readonly negative: readonly { readonly name: string; readonly string: string }[];
}
