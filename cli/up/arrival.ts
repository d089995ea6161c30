import { randomBytes, randomInt } from "node:crypto";
import { getPriority, setPriority } from "node:os";
import type { Database, TenantTx } from "../../db/database.ts";
import { createInvite, newInviteCode } from "../../db/invites.ts";
import { countUserPosts, mostFollowed } from "../../db/overview.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import { deleteUser, findUser } from "../../db/users.ts";
import type { Producer } from "../../queue/producer.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { sleep } from "../../runtime/sleep.ts";
import { DEFAULT_TENANT } from "../context.ts";
import { type Child, startChild } from "./children.ts";
import { openVisitor, type Visitor } from "./visitor.ts";

/** How somebody came who was nobody here before: seconds from their first word to the bot. */
export interface Arrival {
  readonly loggedInSeconds: number;
  /** Until there were posts to read. */
  readonly postsSeconds: number;
  readonly posts: number;
}

/** In plain words. */
export const arrivalLine = ({ loggedInSeconds, postsSeconds, posts }: Arrival): string =>
  `somebody new came by invite and bot: logged in after ${loggedInSeconds} s, ${posts} posts to read after ${postsSeconds} s`;

/** Somebody of the emulated Telegram who is no user at first, and none at the end. */
export const VISITOR = { id: 6_900_000_001n, phone: "9996629000001", firstName: "Ada", dcId: 2 } as const;
/** As BotFather would give it. Another bot each time: the emulated Bot API counts its updates from the beginning. */
export const emulatedBotToken = (): string =>
  `${randomInt(1_000_000_000, 9_000_000_000)}:${randomBytes(24).toString("base64url")}`;

const LOOK_EVERY_MS = 250;
const STEP_WITHIN_MS = 60_000;
const CHILD_GRACE_MS = 15_000;
/** The first parses, with all their histories, come before somebody new: so long at most. */
const FIRST_PARSES_MS = 30_000;
/** What is measured are the workers: whoever only shows something steps back. */
const NICENESS = 19;
const LEAST_PRIORITY = 19;

interface ArrivalOptions {
  readonly database: Database;
  readonly producer: Pick<Producer, "queueCounts">;
  /** The emulator's socket. */
  readonly control: string;
  /** With BOT_TOKEN and BOT_API_ROOT in it. */
  readonly env: NodeJS.ProcessEnv;
  readonly logDir: string;
  /** Gets a line that says how it went. */
  readonly news: string[];
}

/** Begins to show it, beside whatever else goes on. `end` gives what came of it, and leaves nothing running. */
export function beginArrival(options: ArrivalOptions): { end(): Promise<Arrival | null> } {
  const ending = new AbortController();
  const shown = showArrival(options, ending.signal).then(
    (arrival) => {
      if (arrival) options.news.push(arrivalLine(arrival));
      return arrival;
    },
    (error: unknown) => {
      options.news.push(`the way in could not be shown: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    },
  );
  return {
    end() {
      ending.abort();
      return shown;
    },
  };
}

/**
 * Shows how somebody arrives: an api and a bot are started, and one person comes by invite and bot, logs in on the page by
 * scanning its code, reads the first posts, logs out, and is forgotten. What the run counts is not touched by it.
 *
 * @returns null where `signal` ended it before there were posts
 * @throws OperatorError where a step does not come about
 */
async function showArrival(options: ArrivalOptions, signal: AbortSignal): Promise<Arrival | null> {
  const children: Child[] = [];
  const start = async (name: string, env: NodeJS.ProcessEnv): Promise<Readonly<Record<string, unknown>>> => {
    const logFile = `${options.logDir}/${name}.log`;
    const child = startChild({ name, args: [name], env: { ...options.env, METRICS_PORT: "0", ...env }, logFile });
    children.push(child);
    if (child.pid > 0) setPriority(child.pid, Math.min(LEAST_PRIORITY, getPriority() + NICENESS));
    return (await child.ready).details ?? {};
  };
  try {
    await firstParses(options.producer, signal);
    if (signal.aborted) return null;
    const { address } = await start("api", { API_PORT: "0" });
    if (signal.aborted) return null;
    await start("bot", { AUTH_BASE_URL: String(address) });
    return await story(options, await openVisitor(options.control, VISITOR), signal);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  } finally {
    await Promise.all(children.map((child) => child.stop(CHILD_GRACE_MS)));
    await options.database.inTenant(DEFAULT_TENANT, (tx) => deleteUser(tx, VISITOR.id));
  }
}

async function firstParses(producer: Pick<Producer, "queueCounts">, signal: AbortSignal): Promise<void> {
  const until = performance.now() + FIRST_PARSES_MS;
  while (!signal.aborted && performance.now() < until) {
    await sleep(LOOK_EVERY_MS, signal);
    const counts = await producer.queueCounts();
    if (counts.length > 0 && counts.every(({ waiting, active }) => waiting + active === 0)) return;
  }
}

async function story(
  { database }: Pick<ArrivalOptions, "database">,
  visitor: Visitor,
  signal: AbortSignal,
): Promise<Arrival> {
  const until = async <T>(what: string, check: () => Promise<T | null | undefined | false>): Promise<T> => {
    const giveUpAt = performance.now() + STEP_WITHIN_MS;
    for (;;) {
      const result = await check();
      if (result !== null && result !== undefined && result !== false) return result;
      if (signal.aborted || performance.now() > giveUpAt) throw new OperatorError(`${what} did not come about`);
      await sleep(LOOK_EVERY_MS, signal);
    }
  };
  const inTenant = <T>(work: (tx: TenantTx) => Promise<T>) => database.inTenant(DEFAULT_TENANT, work);
  const { code, channel } = await inTenant(async (tx) => {
    const invited = { plan: "free", days: 1, maxUses: 1, expiresAt: null, note: "shown by gramfleet up" } as const;
    const invite = { tenantId: DEFAULT_TENANT, code: newInviteCode(), ...invited };
    await createInvite(tx, invite);
    return { code: invite.code, channel: await mostFollowed(tx) };
  });
  const began = performance.now();
  const seconds = () => Number(((performance.now() - began) / 1_000).toFixed(1));

  await visitor.writes(`/start ${code}`);
  const page = await until("the bot's button", () => visitor.opens("Log in"));
  const status = async () => (await page()) as { status: string; qr_link?: string };
  const link = await until("the page's code", async () => (await status()).qr_link);
  if (channel !== null) await visitor.writes(`/add_channel ${channel}`);
  await visitor.scans(link);
  await until("the login", async () => (await status()).status === "AUTHORIZED");
  const loggedInSeconds = seconds();
  const posts = await until("first posts", () =>
    inTenant(async (tx) => {
      const user = await findUser(tx, VISITOR.id);
      const count = user ? await countUserPosts(tx, user.id) : 0;
      return count > 0 && count;
    }),
  );
  const arrival = { loggedInSeconds, postsSeconds: seconds(), posts };
  // And goes again: the people that are counted are those who were there before.
  await visitor.writes("/logout");
  await until("the bot's question", () => visitor.taps("Log out"));
  await until("the log-out", () =>
    inTenant(async (tx) => {
      const user = await findUser(tx, VISITOR.id);
      return user && (await sessionOfUser(tx, user.id))?.state === "REVOKED";
    }),
  ).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return arrival;
}
