import type { CommandEntry } from "./command-entry.ts";

/** Every command. Only the one that is called is loaded: a scheduler has no need of GramJS, nor help of PostgreSQL. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  up: {
    says: "run all of it on this machine: whatever is not configured is embedded, and said so; Ctrl-C ends with a summary",
    load: async () => (await import("./up.ts")).upCommand(),
  },
  scheduler: {
    says: "run a scheduler: enqueues the parses that are due",
    load: async () => (await import("./processes.ts")).schedulerCommand(),
  },
  worker: {
    says: "run a worker: parses what is enqueued",
    load: async () => (await import("./processes.ts")).workerCommand(),
  },
  api: {
    says: "run the api: logins, channels and posts over HTTP",
    load: async () => (await import("./processes.ts")).apiCommand(),
  },
  bot: {
    says: "run the bot: people come by it, log in, and name their channels",
    load: async () => (await import("./processes.ts")).botCommand(),
  },
  emulator: {
    says: "run a Telegram of our own on this machine, for tests and for trying things; Ctrl-C ends it",
    load: async () => (await import("./emulator.ts")).emulatorCommand(),
  },
  migrate: {
    says: "bring the database's schema up to date; safe to run again, and by many at once",
    load: async () => (await import("./migrate.ts")).migrateCommand(),
  },
  users: {
    says: "the people whose channels are read",
    load: async () => (await import("./users.ts")).usersCommand(),
  },
  channels: {
    says: "the channels that are read, and for whom",
    load: async () => (await import("./channels.ts")).channelsCommand(),
  },
  sessions: {
    says: "the Telegram sessions that are kept for users",
    load: async () => (await import("./sessions.ts")).sessionsCommand(),
  },
  "api-ids": {
    says: "the API IDs in use: drained, retired, refused by Telegram, put back",
    load: async () => (await import("./api-ids.ts")).apiIdsCommand(),
  },
  parse: {
    says: "parse users now, ahead of their schedule",
    load: async () => (await import("./parse.ts")).parseCommand(),
  },
  waits: {
    says: "what Telegram has asked to wait: accounts, methods, API IDs, and until when",
    load: async () => (await import("./waits.ts")).waitsCommand(),
  },
  tail: {
    says: "print a user's posts as they come: new, late, edited and deleted ones",
    load: async () => (await import("./tail.ts")).tailCommand(),
  },
  admin: {
    says: "who signs in at the page of the queues, with a password",
    load: async () => (await import("./admin.ts")).adminCommand(),
  },
  tenants: {
    says: "tenants, whose users and channels are kept apart",
    load: async () => (await import("./tenants.ts")).tenantsCommand(),
  },
  tokens: {
    says: "the tokens by which programs call the API",
    load: async () => (await import("./tokens.ts")).tokensCommand(),
  },
  invites: {
    says: "the codes with which people come, and the plans they give",
    load: async () => (await import("./invites.ts")).invitesCommand(),
  },
  queue: {
    says: "the job queues, one for each API ID",
    load: async () => (await import("./queue.ts")).queueCommand(),
  },
  health: {
    says: "each part of the fleet: ok, degraded or down, and what to do about it",
    load: async () => (await import("./health.ts")).healthCommand(),
  },
  backup: {
    says: "encrypted archives of the sessions: made, listed, verified, restored, pruned",
    load: async () => (await import("./backup.ts")).backupCommand(),
  },
  adopt: {
    says: "make a copied, restored or older database this installation's, once nobody else uses its sessions",
    load: async () => (await import("./adopt.ts")).adoptCommand(),
  },
  retire: {
    says: "end this installation's use of its sessions for good, so that another one may have them",
    load: async () => (await import("./retire.ts")).retireCommand(),
  },
  verify: {
    says: "hold what is stored against exported channels, message by message",
    load: async () => (await import("./verify.ts")).verifyCommand(),
  },
  export: {
    says: "write what is stored of a channel, as Telegram Desktop's result.json or as lines of JSON",
    load: async () => (await import("./export.ts")).exportCommand(),
  },
  completion: {
    says: "a script with which a shell completes these commands, their options and values",
    load: async () => (await import("./completion.ts")).completionCommand(COMMANDS),
  },
};
