// pm2 start ecosystem.config.cjs, with DATABASE_URL, REDIS_URL and the rest of .env.example set, in .env or before it.
// Each process serves /live, /ready and /metrics on a port of its own: METRICS_PORT (9464) and the ones above it.
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { parseEnv } = require("node:util");

const envFile = join(__dirname, ".env");
const given = { ...(existsSync(envFile) ? parseEnv(readFileSync(envFile, "utf8")) : {}), ...process.env };
const firstPort = Number(given.METRICS_PORT) || 9464;
const API_PROCESSES = 2;
const workers = Number(given.WORKERS) || 2;

const gramfleet = (command, number, metricsPort, more = {}) => ({
  // One app each: with `instances`, pm2 would give all of them one port when it reloads this file.
  name: number === null ? command : `${command}-${number}`,
  script: "bin/gramfleet.mjs",
  args: command,
  cwd: __dirname,
  // At a reload the process ends and its successor starts: nobody waits but jobs, in their queue.
  exec_mode: "fork",
  env: { NODE_ENV: "production", METRICS_PORT: String(metricsPort) },
  // It says when it works; until then a reload goes no further. After this time it would, with or without it.
  wait_ready: true,
  listen_timeout: 300_000,
  // Longer than a process takes to finish what it holds (25 s), to hand the rest back (5 s) and to close its sockets.
  kill_timeout: 40_000,
  // A process that cannot start (no database yet) tries again ever more slowly, and never gives up.
  exp_backoff_restart_delay: 500,
  // The maps would be read into each process's memory, 30 MB of it.
  disable_source_map_support: true,
  // Nothing of pm2's own in our processes, and no looking for a repository around them.
  pmx: false,
  vizion: false,
  ...more,
});
/** Ports are pm2's own in cluster mode: all of these share API_PORT, and each one's successor answers before it ends. */
const shared = { exec_mode: "cluster" };
const several = (count, make) => Array.from({ length: count }, (_, index) => make(index));

module.exports = {
  apps: [
    gramfleet("scheduler", null, firstPort),
    ...several(API_PROCESSES, (index) => gramfleet("api", index + 1, firstPort + 1 + index, shared)),
    // Where there is one: BOT_TOKEN and AUTH_BASE_URL.
    ...(given.BOT_TOKEN ? [gramfleet("bot", null, firstPort + 3)] : []),
    ...several(workers, (index) => gramfleet("worker", index + 1, firstPort + 6 + index)),
  ],
};
