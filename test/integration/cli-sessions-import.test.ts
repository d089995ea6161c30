import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
