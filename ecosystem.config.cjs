// pm2 start ecosystem.config.cjs: with DATABASE_URL, REDIS_URL and the rest of .env.example set.
// Each process serves /live, /ready and /metrics on a port of its own: workers count up from theirs.
const gramfleet = (name, args, metricsPort, more = {}) => ({
  name,
  script: "bin/gramfleet.mjs",
  args,
  cwd: __dirname,
  // In one process each: a worker leases sessions under its own name, and pm2's cluster mode would share sockets.
  exec_mode: "fork",
  instances: 1,
  env: { NODE_ENV: "production", METRICS_PORT: metricsPort },
  increment_var: "METRICS_PORT",
  kill_signal: "SIGTERM",
  // Longer than a process takes to finish what it holds (25 s), to hand the rest back (5 s) and to close its sockets.
  kill_timeout: 40_000,
  // A process that cannot start (no database yet) tries again ever more slowly.
  exp_backoff_restart_delay: 500,
  time: true,
  ...more,
});

module.exports = {
  apps: [
    gramfleet("scheduler", "scheduler", 9464),
    gramfleet("api", "api", 9465),
    // Where there is one: BOT_TOKEN and AUTH_BASE_URL.
    ...(process.env.BOT_TOKEN ? [gramfleet("bot", "bot", 9466)] : []),
    gramfleet("workers", "worker", 9470, { instances: Number(process.env.WORKERS ?? 2) }),
  ],
};
