import { randomBytes, randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import pLimit from "p-limit";
import { findUser } from "../db/users.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { startLoop } from "../runtime/loop.ts";
import { sleep } from "../runtime/sleep.ts";
import { openLoginWire } from "../telegram/gramjs/login-wire.ts";
import { provePassword } from "../telegram/gramjs/srp.ts";
import { sweepAbandonedLogins } from "../telegram/login/abandoned.ts";
import type { LoginDependencies } from "../telegram/login/custody.ts";
import type { OpenLoginWire } from "../telegram/login/login-wire.ts";
import type { PasswordProof } from "../telegram/login/password.ts";
import { HeldTicket } from "./held-ticket.ts";
import { hasEnded, NOTHING_SHOWN, type Ticket, type TicketView, viewOf } from "./ticket.ts";
import { createTicketBox } from "./ticket-box.ts";
import { openTicketMail, type TicketReply, type TicketRequest } from "./ticket-mail.ts";
import { createTicketStore, nameOf } from "./ticket-store.ts";

export type { TicketView } from "./ticket.ts";

/** Logins by QR code for people who are elsewhere: a ticket is asked for here, and asked about in any process. */
export interface Tickets {
  /**
   * Begins a login; comes back with its first code, or with how it failed.
   *
   * @param asked.asker whose ticket it is: nobody else is told of it
   * @param asked.telegramId whose account it must be; null: whoever scans
   */
  start(asked: {
    readonly asker: string;
    readonly tenantId: string;
    readonly appId?: string;
    readonly telegramId: bigint | null;
  }): Promise<{ readonly ticket: string; readonly view: TicketView }>;
  /** Null for a ticket that is not this asker's, or was never given, or ended long ago. @throws where Redis is away */
  status(ticket: string, asker: string): Promise<TicketView | null>;
  /** The same, once it is another than `version` or has ended; at the latest after `withinMs`. */
  changed(ticket: string, asker: string, version: number, withinMs: number): Promise<TicketView | null>;
  /** Tries a proof of the password; gives what came of it. */
  prove(ticket: string, asker: string, proof: PasswordProof): Promise<TicketView | null>;
  /** Makes the proof here: the password itself goes to no other process. */
  tryPassword(ticket: string, asker: string, password: string): Promise<TicketView | null>;
  cancel(ticket: string, asker: string): Promise<TicketView | null>;
  /**
   * Whose ticket it is, for who has nothing to show but its id: ids cannot be guessed. Null for one that was never given,
   * or ended long ago.
   */
  askerOf(ticket: string): Promise<string | null>;
  /** Logins under way in this process. */
  readonly size: number;
  /** Ends what is held here, as expired, and waits until nobody is left logged in. */
  close(): Promise<void>;
}

export interface TicketsOptions {
  readonly deps: LoginDependencies;
  /** Opens a connection whose commands fail while Redis is away. */
  readonly redis: () => Redis;
  readonly redisPrefix: string;
  readonly keyring: readonly { readonly id: string; readonly key: Buffer }[];
  /** How long a ticket lives. */
  readonly lifeMs: number;
  /** How often this process says that it lives. */
  readonly beatMs: number;
  /** How often it looks for logins whose process died. */
  readonly sweepMs: number;
}

const TICKET_BYTES = 24;
/** Tickets that are begun at once: more would wait for PostgreSQL and for the processor, each with its deadline running. */
const BEGUN_AT_ONCE = 8;
/** Key exchanges at once, those of lost connections too: each costs milliseconds of the event loop, and a deadline runs while it waits. */
const CONNECTING_AT_ONCE = 8;
/** A proof travels to Telegram and back. */
const ANSWER_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 1_000;
const REDIS_WITHIN_MS = 10_000;

/** @throws DeadlinePassed where Redis does not answer */
async function connected(...connections: Redis[]): Promise<void> {
  const ready = connections.map(async (redis) => {
    if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", resolve));
  });
  try {
    await withDeadline("Redis", REDIS_WITHIN_MS, Promise.all(ready));
  } catch (error) {
    for (const redis of connections) redis.disconnect();
    throw error;
  }
}

/** @throws DeadlinePassed where Redis does not answer */
export async function startTickets(options: TicketsOptions): Promise<Tickets> {
  const { deps, lifeMs } = options;
  const { log, database, clock } = deps;
  const holder = randomUUID();
  const box = createTicketBox(options.keyring);
  const redis = options.redis();
  const subscriber = options.redis();
  await connected(redis, subscriber);
  const store = createTicketStore(redis, options.redisPrefix, box);
  const held = new Map<string, HeldTicket>();
  const saving = new Map<string, Promise<void>>();
  const watchers = new Map<string, Set<() => void>>();
  const beginning = pLimit(BEGUN_AT_ONCE);
  const connecting = pLimit(CONNECTING_AT_ONCE);
  const open: OpenLoginWire = (how, hears) => connecting(() => openLoginWire(how, hears));

  const wake = (name: string) => {
    for (const watcher of watchers.get(name) ?? []) watcher();
  };
  const mail = await openTicketMail({
    redis,
    subscriber,
    prefix: options.redisPrefix,
    holder,
    box,
    answerWithinMs: ANSWER_WITHIN_MS,
    onRequest: serve,
    onChanged: wake,
    log,
  });

  /** One after another, so that the last one stays. Redis being away is made good by the next beat that it hears. */
  function save(name: string, ticket: Ticket): Promise<void> {
    const saved = (saving.get(name) ?? Promise.resolve())
      .then(() => store.save(name, ticket))
      .then(() => mail.changed(name))
      .catch((error: unknown) => log.warn({ err: error }, "ticket not told to other processes"));
    saving.set(name, saved);
    void saved.then(() => saving.get(name) === saved && saving.delete(name));
    return saved;
  }

  async function serve(request: TicketRequest): Promise<TicketReply> {
    const ticket = held.get(request.ticket);
    if (!ticket) return "gone";
    if (request.kind === "proof") {
      const tried = await ticket.prove(request.proof);
      await saving.get(request.ticket);
      return tried ? "done" : "refused";
    }
    ticket.end("cancelled");
    await ticket.ended;
    await saving.get(request.ticket);
    return "done";
  }

  /** The ticket as it is known here or in Redis; one whose process is dead has expired. */
  async function find(id: string, asker: string): Promise<Ticket | null> {
    const name = nameOf(id);
    const ticket = held.get(name)?.ticket ?? (await store.load(name));
    if (!ticket || ticket.asker !== asker) return null;
    if (hasEnded(ticket) || held.has(name) || (await store.lives(ticket.holder))) return ticket;
    return { ...ticket, ...NOTHING_SHOWN, state: "expired", version: ticket.version + 1 };
  }

  const status = async (id: string, asker: string) => {
    const ticket = await find(id, asker);
    return ticket && viewOf(ticket);
  };

  /** Has it done by the process that holds the ticket, and tells how things stand then. */
  async function ask(id: string, asker: string, request: (ticket: string) => TicketRequest) {
    const ticket = await find(id, asker);
    if (!ticket || hasEnded(ticket)) return ticket && viewOf(ticket);
    const name = nameOf(id);
    if (held.has(name)) await serve(request(name));
    else await mail.ask(ticket.holder, request(name));
    return status(id, asker);
  }

  const prove = (id: string, asker: string, proof: PasswordProof) =>
    ask(id, asker, (ticket) => ({ kind: "proof", ticket, proof }));

  async function tryPassword(id: string, asker: string, password: string): Promise<TicketView | null> {
    for (let again = true; ; again = false) {
      const asked = await status(id, asker);
      if (!asked?.password) return asked;
      const judged = await prove(id, asker, await provePassword(asked.password, password));
      // The parameters go stale after a while: the new ones are tried once.
      if (!again || judged?.reason !== "SRP_ID_INVALID") return judged;
    }
  }

  let known = false;
  await store.beat(holder);
  const beating = startLoop({
    name: "ticket beat",
    everyMs: options.beatMs,
    log,
    async turn() {
      const remembered = await store.beat(holder);
      // Redis has lost everything: what is held here is told again.
      if (known && !remembered) for (const [name, { ticket }] of held) await save(name, ticket);
      known = true;
      return "rest";
    },
  });
  const sweeping = sweepAbandonedLogins(deps, options.sweepMs);

  return {
    async start({ asker, tenantId, appId, telegramId }) {
      const id = randomBytes(TICKET_BYTES).toString("base64url");
      const name = nameOf(id);
      const user = telegramId === null ? null : await database.inTenant(tenantId, (tx) => findUser(tx, telegramId));
      if (telegramId !== null && !user) throw new Error("a login is begun for a user: add them first");
      const ticket = await beginning(async () => {
        const begun: Ticket = {
          ...{ state: "PENDING_QR", tenantId, appId: appId ?? null, asker, holder, version: 0 },
          ...{ ...NOTHING_SHOWN, reason: null, telegramId: null },
          endsAt: new Date(clock.now() + lifeMs),
        };
        const ticket = new HeldTicket(begun, {
          deps,
          who: { tenantId, user, ...(appId === undefined ? {} : { appId }) },
          open,
          lifeMs,
          onChange: (changed) => void save(name, changed),
        });
        held.set(name, ticket);
        deps.metrics.qrAuthStarts.inc();
        const begunAt = clock.monotonic();
        void ticket.ended.then(async () => {
          const seconds = (clock.monotonic() - begunAt) / 1000;
          deps.metrics.qrLoginSeconds.observe({ end: ticket.ticket.state }, seconds);
          await saving.get(name);
          held.delete(name);
        });
        await ticket.shown;
        return ticket;
      });
      await saving.get(name);
      return { ticket: id, view: viewOf(ticket.ticket) };
    },
    status,
    async changed(id, asker, version, withinMs) {
      const name = nameOf(id);
      const until = clock.monotonic() + withinMs;
      for (;;) {
        const woken = new AbortController();
        const watcher = () => woken.abort();
        const watching = watchers.get(name) ?? new Set();
        watchers.set(name, watching.add(watcher));
        try {
          const view = await status(id, asker);
          const left = until - clock.monotonic();
          if (!view || view.version !== version || hasEnded(view) || left <= 0) return view;
          await sleep(Math.min(LOOK_EVERY_MS, left), woken.signal);
        } finally {
          watching.delete(watcher);
          if (watching.size === 0) watchers.delete(name);
        }
      }
    },
    prove,
    tryPassword,
    cancel: (id, asker) => ask(id, asker, (ticket) => ({ kind: "cancel", ticket })),
    async askerOf(id) {
      const name = nameOf(id);
      return (held.get(name)?.ticket ?? (await store.load(name)))?.asker ?? null;
    },
    get size() {
      return held.size;
    },
    async close() {
      await sweeping.stop();
      const left = [...held.values()];
      for (const ticket of left) ticket.end("expired");
      await Promise.all(left.map(({ ended }) => ended));
      await Promise.all(saving.values());
      await beating.stop();
      await store.leave(holder).catch(() => undefined);
      mail.close();
      subscriber.disconnect();
      redis.disconnect();
    },
  };
}
