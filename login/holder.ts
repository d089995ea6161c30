import { randomBytes, randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import pLimit from "p-limit";
import { withDeadline } from "../runtime/deadline.ts";
import { startLoop } from "../runtime/loop.ts";
import { sleep } from "../runtime/sleep.ts";
import { span } from "../runtime/tracing.ts";
import { prepareTelegramPrime } from "../telegram/gramjs/codec/telegram-prime.ts";
import { openLoginWire } from "../telegram/gramjs/login-wire.ts";
import { sweepAbandonedLogins } from "../telegram/login/abandoned.ts";
import type { LoginDependencies } from "../telegram/login/custody.ts";
import type { OpenLoginWire } from "../telegram/login/login-wire.ts";
import { HeldTicket, type RunLogin } from "./held-ticket.ts";
import { expired, hasEnded, type Ticket } from "./ticket.ts";
import { createTicketBox } from "./ticket-box.ts";
import { openTicketMail, type TicketReply, type TicketRequest, type TicketWork } from "./ticket-mail.ts";
import { createTicketStore, nameOf } from "./ticket-store.ts";

export interface HolderOptions {
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

/** For a ticket that whoever has it is told of: its id is the proof. */
export const WHOEVER_HAS_IT = Symbol("whoever has the ticket");
/** Whose a ticket must be, to be told of. */
export type Asker = string | typeof WHOEVER_HAS_IT;

/** What a user's tickets are for, whatever way they go: their newest login takes the place of the one before. */
export const loginOf = (user: { readonly id: bigint }, appId: string | undefined): string =>
  `login of ${user.id} ${appId ?? ""}`;

export interface HeldLogin<Kind extends Ticket> {
  readonly login: RunLogin<Kind>;
  /** What the ticket is when its login has thrown this. */
  readonly failed: (error: unknown) => Partial<Kind>;
  /** Called at its end, with the seconds that it took. */
  readonly onEnd: (ticket: Kind, seconds: number) => void;
}

/** A process that holds tickets, whatever their kind, and asks other processes about theirs. */
export interface Holder {
  /** Opens connections for logins, few at once. */
  readonly open: OpenLoginWire;
  /**
   * Begins a login and holds its ticket; comes back when there is something to tell of it.
   *
   * @param given.what what it is for: a ticket for the same is cancelled first
   * @returns null where another for the same is beginning all the time
   */
  begin<Kind extends Ticket>(
    ticket: Omit<Kind, "holder" | "version" | "endsAt">,
    login: HeldLogin<Kind>,
    given?: { readonly what?: string | undefined },
  ): Promise<{ readonly id: string; readonly ticket: Kind } | null>;
  /** The id of the newest ticket for that; null where there is none, or it ended long ago. */
  newest(what: string): Promise<string | null>;
  /** The ticket as it is known here or in Redis; one whose process is dead has expired. @throws where Redis is away */
  find(id: string, asker: Asker): Promise<Ticket | null>;
  /** The same, once it is another than `version` or has ended; at the latest after `withinMs`. */
  changed(id: string, asker: Asker, version: number, withinMs: number): Promise<Ticket | null>;
  /**
   * Has it done by the process that holds the ticket, and tells how things stand then; `done` says whether it was.
   */
  ask(id: string, asker: Asker, work: TicketWork): Promise<{ readonly ticket: Ticket | null; readonly done: boolean }>;
  readonly size: number;
  close(): Promise<void>;
}

const TICKET_BYTES = 24;
/** Tickets that are begun at once: more would wait for PostgreSQL and for the processor, each with its deadline running. */
const BEGUN_AT_ONCE = 8;
/** Key exchanges at once, those of lost connections too: each costs milliseconds of the event loop, and a deadline runs while it waits. */
const CONNECTING_AT_ONCE = 8;
/** A proof travels to Telegram and back. */
const ANSWER_WITHIN_MS = 40_000;
const CLAIM_EVERY_MS = 200;
const CLAIM_WITHIN_MS = 20_000;
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
export async function startHolder(options: HolderOptions): Promise<Holder> {
  const { deps, lifeMs } = options;
  const { log, clock } = deps;
  const holder = randomUUID();
  const box = createTicketBox(options.keyring);
  prepareTelegramPrime();
  const redis = options.redis();
  const subscriber = options.redis();
  await connected(redis, subscriber);
  const store = createTicketStore(redis, options.redisPrefix, box);
  const held = new Map<string, HeldTicket>();
  const saving = new Map<string, Promise<void>>();
  const watchers = new Map<string, Set<() => void>>();
  const beginning = pLimit(BEGUN_AT_ONCE);
  const connecting = pLimit(CONNECTING_AT_ONCE);

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
    if (request.kind === "hint") {
      ticket.hint();
      return "done";
    }
    if (request.kind === "shown") {
      ticket.show(request.shown);
      await saving.get(request.ticket);
      return "done";
    }
    if (request.kind === "cancel") {
      ticket.end("cancelled");
      await ticket.ended;
      await saving.get(request.ticket);
      return "done";
    }
    const tried = await ticket.answer(request);
    await saving.get(request.ticket);
    return tried ? "done" : "refused";
  }

  async function find(id: string, asker: Asker): Promise<Ticket | null> {
    const name = nameOf(id);
    const ticket = held.get(name)?.ticket ?? (await store.load(name));
    if (!ticket || (asker !== WHOEVER_HAS_IT && ticket.asker !== asker)) return null;
    if (hasEnded(ticket) || held.has(name) || (await store.lives(ticket.holder))) return ticket;
    return expired(ticket);
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

  async function ask(id: string, asker: Asker, work: TicketWork) {
    const ticket = await find(id, asker);
    if (!ticket || hasEnded(ticket)) return { ticket, done: false };
    const name = nameOf(id);
    const request = { ...work, ticket: name };
    const reply = held.has(name) ? await serve(request) : await mail.ask(ticket.holder, request);
    return { ticket: await find(id, asker), done: reply === "done" };
  }

  async function hold<Kind extends Ticket>(
    id: string,
    begun: Omit<Kind, "holder" | "version" | "endsAt">,
    { login, failed, onEnd }: HeldLogin<Kind>,
  ): Promise<Kind> {
    const name = nameOf(id);
    const ticket = await beginning(async () => {
      const endsAt = new Date(clock.now() + lifeMs);
      const ticket = new HeldTicket<Kind>({ ...begun, holder, version: 0, endsAt } as Kind, {
        ...{ login: (telling) => span("login", {}, () => login(telling)), failed, lifeMs },
        onChange: (changed) => void save(name, changed),
      });
      const asHeld = ticket as unknown as HeldTicket;
      held.set(name, asHeld);
      const begunAt = clock.monotonic();
      void ticket.ended.then(async () => {
        onEnd(ticket.ticket, (clock.monotonic() - begunAt) / 1000);
        await saving.get(name);
        if (held.get(name) === asHeld) held.delete(name);
      });
      await ticket.shown;
      return ticket;
    });
    await saving.get(name);
    return ticket.ticket;
  }

  /** Two that begin at once: the second takes the first one's place. */
  async function claimed(name: string): Promise<boolean> {
    for (const until = clock.monotonic() + CLAIM_WITHIN_MS; ; ) {
      if (await store.claim(name)) return true;
      if (clock.monotonic() > until) return false;
      await sleep(CLAIM_EVERY_MS);
    }
  }

  return {
    open: (how, hears) => connecting(() => openLoginWire(how, hears)),
    newest: (what) => store.newest(what),
    async begin(ticket, login, { what } = {}) {
      const id = randomBytes(TICKET_BYTES).toString("base64url");
      if (what === undefined) return { id, ticket: await hold(id, ticket, login) };
      const name = nameOf(what);
      if (!(await claimed(name))) return null;
      try {
        const before = await store.newest(what);
        if (before !== null) await ask(before, WHOEVER_HAS_IT, { kind: "cancel" });
        await store.remember(what, id, lifeMs);
        return { id, ticket: await hold(id, ticket, login) };
      } finally {
        await store.unclaim(name).catch(() => undefined);
      }
    },
    find,
    async changed(id, asker, version, withinMs) {
      const name = nameOf(id);
      const until = clock.monotonic() + withinMs;
      for (;;) {
        const woken = new AbortController();
        const watcher = () => woken.abort();
        const watching = watchers.get(name) ?? new Set();
        watchers.set(name, watching.add(watcher));
        try {
          const ticket = await find(id, asker);
          const left = until - clock.monotonic();
          if (!ticket || ticket.version !== version || hasEnded(ticket) || left <= 0) return ticket;
          await sleep(Math.min(LOOK_EVERY_MS, left), woken.signal);
        } finally {
          watching.delete(watcher);
          if (watching.size === 0) watchers.delete(name);
        }
      }
    },
    ask,
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
