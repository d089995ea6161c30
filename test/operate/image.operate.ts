import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRelay } from "../../faults/relay.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { BOT_TOKEN } from "../support/bot.ts";
import { execForm, parseDockerfile } from "../support/dockerfile.ts";
import { eventually } from "../support/eventually.ts";
import { freePorts } from "../support/free-ports.ts";
import { openProductionHome } from "../support/production-home.ts";
import { type StagedImage, stageImage } from "../support/staged-image.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const MOST_MB = 100;
/** Nobody's, as a container's user is on its host: it may write nowhere but in its own /tmp. */
const USER = 65_534;

const lifecycle = new Lifecycle(silentLog);
afterAll(() => lifecycle.close());

let image: StagedImage;
let tmp: string;
const instructions = parseDockerfile(readFileSync(join(root, "Dockerfile"), "utf8")).stages.at(-1)?.instructions ?? [];
const wordsOf = (name: string) =>
  execForm(instructions.findLast((each) => each.name === name)?.value.replace(/^CMD\s+/, "") ?? "") ?? [];

beforeAll(() => {
  const folder = lifecycle.own("folder", mkdtempSync(join(tmpdir(), "gramfleet-image-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  chmodSync(folder, 0o755);
  image = stageImage(root, folder);
  tmp = join(folder, "tmp");
  mkdirSync(tmp);
  chmodSync(tmp, 0o777);
}, 600_000);

/** Starts words in the container's stead: its user, its folder, its variables, and nothing of this machine's. */
function inContainer(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [program = "", ...args] = words;
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd: image.workdir,
    env: { PATH: process.env.PATH, HOME: "/nonexistent", TMPDIR: tmp, ...image.env, ...env },
    ...(process.getuid?.() === 0 ? { uid: USER, gid: USER } : {}),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  const ended = new Promise<{ code: number | null; said: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, said }));
  });
  return { child, ended, said: () => said };
}

const gramfleet = (...args: string[]) => [...wordsOf("ENTRYPOINT"), ...args];

test("adds at most 100 MB to its base: neither emulator nor PostgreSQL, nothing of development's", () => {
  process.stderr.write(`image: ${(image.bytes / 1e6).toFixed(1)} MB over its base\n`);
  expect(image.bytes / 1e6).toBeLessThanOrEqual(MOST_MB);
  const files = readdirSync(image.folder, { recursive: true, encoding: "utf8" });
  const ours = files.filter((path) => !path.includes("node_modules/"));
  expect(ours.filter((path) => /(^|\/)(emulator|test|bench|faults)\/|\.(env|pem|session|ts)$/.test(path))).toEqual([]);
  const { devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    devDependencies: object;
    optionalDependencies: object;
  };
  const unwanted = [...Object.keys(devDependencies), ...Object.keys(optionalDependencies)];
  expect(unwanted.filter((name) => existsSync(join(image.workdir, "node_modules", name)))).toEqual([]);
  // No source of it is in the build, whatever that is called there.
  const maps = files.filter((path) => path.startsWith("app/dist/") && path.endsWith(".map"));
  expect(maps.length).toBeGreaterThan(10);
  for (const path of maps) {
    const { sources } = JSON.parse(readFileSync(join(image.folder, path), "utf8")) as { sources: string[] };
    expect(
      sources.filter((source) => /(^|\/)(emulator|test|bench|faults)\//.test(source) && !/node_modules/.test(source)),
    ).toEqual([]);
  }
});

test("says what there is, and in one line what is missing", async () => {
  expect(await inContainer([...wordsOf("ENTRYPOINT"), ...wordsOf("CMD")]).ended).toMatchObject({
    code: 0,
    said: expect.stringContaining("Usage: gramfleet"),
  });
  const missing = await inContainer(gramfleet("worker")).ended;
  expect(missing.code).toBe(1);
  expect(missing.said.trimEnd().split("\n")).toEqual([
    "gramfleet: configuration: DATABASE_URL is not set; REDIS_URL is not set; MASTER_API_IDS is not set; SESSION_ENCRYPTION_KEYS is not set",
  ]);
  const up = await inContainer(gramfleet("up")).ended;
  expect(up).toEqual({
    code: 1,
    said: "gramfleet: there is no emulator in this build: it runs in a clone, by npm start\n",
  });
});

test("works as a user that may write nowhere, parses, is healthy, and stops at its signal", async () => {
  const home = await openProductionHome(lifecycle, {
    ...{ users: 6, channels: 4, postsPerMinute: 60, answerMs: [1, 5], pace: 300 },
    bot: { token: BOT_TOKEN, username: "gramfleet_bot" },
  });
  chmodSync(home.dir, 0o755);
  // Over TCP, as from a container: the sockets are their owner's.
  const database = new URL(home.env.DATABASE_URL ?? "");
  const postgres = await startRelay({ path: `${database.searchParams.get("host")}/.s.PGSQL.5432` });
  const redis = await startRelay({ path: (home.env.REDIS_URL ?? "").replace("unix://", "") });
  lifecycle.own(
    "relays",
    [postgres, redis],
    async (relays) => void (await Promise.all(relays.map((each) => each.close()))),
  );
  const roles = ["scheduler", "worker", "api", "bot"];
  const firstPort = await freePorts(roles.length + 1);
  const env = {
    ...home.env,
    DATABASE_URL: `postgresql://${database.username}@127.0.0.1:${postgres.port}${database.pathname}`,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    ...{ METRICS_HOST: "127.0.0.1", API_HOST: "127.0.0.1", BOT_HOST: "127.0.0.1" },
    ...{ HOME: "/nonexistent", API_PORT: String(firstPort + roles.length) },
  };
  expect(await inContainer(gramfleet("migrate"), env).ended).toMatchObject({ code: 0 });
  const running = roles.map((role, index) => {
    const METRICS_PORT = String(firstPort + index);
    const started = inContainer(gramfleet(role), { ...env, METRICS_PORT });
    lifecycle.own(role, started, async ({ child, ended }) => {
      child.kill("SIGKILL");
      await ended;
    });
    return { role, METRICS_PORT, ...started };
  });
  for (const { role, METRICS_PORT, child, said } of running) {
    const isReady = async () => (await fetch(`http://127.0.0.1:${METRICS_PORT}/ready`)).ok;
    await eventually(() => child.exitCode !== null || isReady(), { timeoutMs: 180_000 }).catch((error: unknown) => {
      throw new Error(`${role} did not come up: ${said()}`, { cause: error });
    });
    expect(child.exitCode, said()).toBeNull();
  }
  for (const { METRICS_PORT } of running)
    expect(await inContainer(wordsOf("HEALTHCHECK"), { METRICS_PORT }).ended).toEqual({ code: 0, said: "" });
  const page = await fetch(`http://127.0.0.1:${env.API_PORT}/qr-auth`);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<script")]);
  expect(existsSync(join(image.workdir, "dist/web/board/index.ejs"))).toBe(true);
  await eventually(async () => (await home.commits.count()) > 0, { what: "a parse" });
  for (const { child } of running) child.kill("SIGTERM");
  for (const { ended } of running) expect((await ended).code).toBe(0);
  const nobody = running[0]?.METRICS_PORT;
  expect(await inContainer(wordsOf("HEALTHCHECK"), { METRICS_PORT: nobody }).ended).toEqual({ code: 1, said: "" });
  expect(readdirSync(tmp)).toEqual([]);
});
