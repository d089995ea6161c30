import type { FastifyRequest } from "fastify";
import pLimit from "p-limit";
import type { BoardRole, BoardUser } from "../../config/admin-users.ts";
import type { ApiConfig } from "../../config/api.ts";
import { createBoardSession, deleteBoardSession, findBoardSession } from "../../db/board-sessions.ts";
import type { Database } from "../../db/database.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isPassword, nobodysHash } from "../../runtime/password-hash.ts";
import { ApiError, tooManyRequests } from "../http/errors.ts";
import { isAtThisMachine } from "./at-this-machine.ts";
import { boardToken } from "./cookie.ts";
import { createTries, type TryLimits } from "./tries.ts";

/** Somebody at the board. */
export interface Operator {
  /** Null for whoever is at this machine, where nobody has a password. */
  readonly name: string | null;
  readonly role: BoardRole;
}

/** How long a sign-in lasts. */
export const SIGNED_IN_MS = 12 * 3_600_000;
/** Passwords that are looked at or wait for that; each takes 32 MiB and a quarter of a second, one after the other. */
const PASSWORDS_AT_ONCE = 8;

/** Where nobody has a password: only for whoever is at this machine. */
export const NOT_SET_UP = new ApiError(
  403,
  "not_set_up",
  "nobody has a password here: until somebody has, this is shown to the machine that it runs on alone",
);

export type Operators = ReturnType<typeof createOperators>;

/** Finds out who is at the board, and signs people in. */
export function createOperators(deps: {
  readonly database: Database;
  readonly clock: Clock;
  readonly config: ApiConfig["board"];
  readonly tryLimits?: TryLimits;
}) {
  const { database, config } = deps;
  const { users } = config;
  const tries = createTries(() => deps.clock.monotonic(), deps.tryLimits);
  const nobody = nobodysHash(users[0]?.hash);
  const oneByOne = pLimit(1);
  const userOf = (name: string) => users.find((user) => user.name.toLowerCase() === name.toLowerCase());

  return {
    /** Whether anybody can sign in. */
    hasUsers: users.length > 0,

    /** Null where nobody is signed in. @throws ApiError 403 where nobody can be, and this is not from this machine */
    async find(request: FastifyRequest): Promise<Operator | null> {
      if (users.length === 0) {
        if (config.published || !isAtThisMachine(request.raw)) throw NOT_SET_UP;
        return { name: null, role: "admin" };
      }
      const token = boardToken(request);
      const session = token === null ? null : await database.asApp((tx) => findBoardSession(tx, token));
      const user = session && userOf(session.name);
      return user?.version.equals(session?.userVersion ?? Buffer.alloc(0))
        ? { name: user.name, role: user.role }
        : null;
    },

    /**
     * @returns the token of their session; null where name and password do not belong together, which takes as long
     *   whether there is such a name or not
     * @throws ApiError 429 after too many tries
     */
    async signIn(name: string, password: string, address: string): Promise<{ user: BoardUser; token: string } | null> {
      const waitMs = tries.begin(address, name);
      if (waitMs !== null) throw tooManyRequests(waitMs / 1_000, "too many tries: wait and try again");
      if (oneByOne.activeCount + oneByOne.pendingCount >= PASSWORDS_AT_ONCE) throw tooManyRequests(2);
      const user = userOf(name);
      const isTheirs = await oneByOne(() => isPassword(password, user?.hash ?? nobody));
      if (!user || !isTheirs) return null;
      tries.succeeded(address, name);
      const session = { name: user.name, userVersion: user.version };
      return { user, token: await database.asApp((tx) => createBoardSession(tx, session, SIGNED_IN_MS)) };
    },

    /** The name as it is configured; null for what nobody is called, which may be a password in the wrong field. */
    known: (name: string): string | null => userOf(name)?.name ?? null,

    async signOut(request: FastifyRequest): Promise<void> {
      const token = boardToken(request);
      if (token !== null) await database.asApp((tx) => deleteBoardSession(tx, token));
    },
  };
}
