import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createInvite, type InvitePlan, newInviteCode, redeemInvite, revokeInvite } from "../../db/invites.ts";
import { ensureSession, transition } from "../../db/sessions.ts";
import { addUser, findUser } from "../../db/users.ts";
import { cookieOf, initDataOf, startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { plantReader } from "../support/following.ts";

const DAY_MS = 86_400_000;
const BUSY_MS = 300_000;
/** How many come at once; INVITES_AT_ONCE=1000 is the whole of it. */
const AT_ONCE = Number(process.env.INVITES_AT_ONCE ?? 200);
const MANY = AT_ONCE / 2;
let api: TestApi;
beforeAll(async () => {
  api = await startApiApp();
});
afterAll(() => api.close());

async function invite(
  given: { code?: string; plan?: InvitePlan; days?: number; maxUses?: number; expiresAt?: Date } = {},
) {
  const code = given.code ?? newInviteCode();
  const made = await api.database.inTenant(TENANT, (tx) =>
    createInvite(tx, {
      ...{ tenantId: TENANT, plan: "premium", days: 30, maxUses: 1, expiresAt: null, note: null },
      ...given,
      code,
    }),
  );
  return { code, id: made?.id ?? 0n };
}

const redeem = (userId: bigint, code: string) =>
  api.database.inTenant(TENANT, async (tx) => (await redeemInvite(tx, { tenantId: TENANT, userId }, code)).refused);
/** Tries again where a busy pool sent it away, as whoever is answered 503 does: in the end everybody has an answer. */
async function insisting<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const result = await work();
      if ((result as { statusCode?: number } | null)?.statusCode !== 503) return result;
    } catch (error) {
      if (!String(error).includes("timeout exceeded when trying to connect")) throw error;
    }
  }
}

const usesOf = async (id: bigint) =>
  (await api.database.asOwner((tx) => tx.selectFrom("invites").select("uses").where("id", "=", id).executeTakeFirst()))
    ?.uses;
const userOf = async (telegramId: number) =>
  (await api.database.inTenant(TENANT, (tx) => findUser(tx, BigInt(telegramId)))) ?? expect.fail("no such user");
const logIn = (telegramId: number, code?: string) =>
  api.inject({
    method: "POST",
    url: "/api/login/telegram",
    payload: { init_data: initDataOf(telegramId, api.clock.now()), ...(code === undefined ? {} : { invite: code }) },
  });

/** The user's Telegram login, from its beginning to `state`. */
async function telegramLogin(telegramId: number, ...states: ("PENDING_QR" | "PENDING_PASSWORD" | "AUTHORIZED")[]) {
  const user = await userOf(telegramId);
  await api.database.asWorker(async (tx) => {
    const who = { tenantId: TENANT, userId: user.id, telegramId: user.telegramId, apiId: 1001, ownApi: false };
    const session = await ensureSession(tx, who);
    let from = session.state;
    for (const to of states) {
      expect(await transition(tx, session.id, { from: [from], to })).toBe(true);
      from = to;
    }
  });
}

it(
  `a single-use invite, ${AT_ONCE} people at once: one has it`,
  async () => {
    const { code, id } = await invite();
    const userIds = await api.database.inTenant(TENANT, async (tx) => {
      const ids: bigint[] = [];
      for (let index = 0; index < AT_ONCE; index += 1)
        ids.push((await addUser(tx, { tenantId: TENANT, telegramId: 800_000n + BigInt(index) })).user.id);
      return ids;
    });
    const outcomes = await Promise.all(userIds.map((userId) => insisting(() => redeem(userId, code))));
    expect(outcomes.filter((refused) => refused === null)).toHaveLength(1);
    expect(outcomes.filter((refused) => refused === "used_up")).toHaveLength(AT_ONCE - 1);
    expect(await usesOf(id)).toBe(1);
  },
  BUSY_MS,
);

it(
  `one of fifty uses, ${MANY} people twice each: fifty have it, each once`,
  async () => {
    const { code, id } = await invite({ maxUses: 50 });
    const userIds = await Promise.all(
      Array.from({ length: MANY }, (_, index) => plantReader(api.database, 810_000n + BigInt(index))),
    );
    const outcomes = await Promise.all([...userIds, ...userIds].map((userId) => insisting(() => redeem(userId, code))));
    expect(outcomes.filter((refused) => refused === null)).toHaveLength(100);
    expect(await usesOf(id)).toBe(50);
  },
  BUSY_MS,
);

it(
  `${AT_ONCE} logins over HTTP with one single-use code: one new user`,
  async () => {
    const { code, id } = await invite();
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => insisting(() => logIn(820_000 + index, code))),
    );
    const codes = answers.map(({ statusCode }) => statusCode);
    expect(codes.filter((status) => status === 200)).toHaveLength(1);
    expect(codes.filter((status) => status === 403)).toHaveLength(AT_ONCE - 1);
    expect(await usesOf(id)).toBe(1);
    const { rows } = await api.database.asOwner((tx) =>
      sql`select from users where telegram_id between 820000 and 820999`.execute(tx),
    );
    expect(rows).toHaveLength(1);
  },
  BUSY_MS,
);

describe("a code", () => {
  beforeAll(async () => void (await plantReader(api.database, 851n)));

  it("that is made here has 80 bits of base32, and none is made twice", () => {
    const codes = new Set(Array.from({ length: 1_000 }, newInviteCode));
    expect(codes.size).toBe(1_000);
    for (const code of codes) expect(code).toMatch(/^[A-Z2-7]{16}$/);
  });

  it.each(["3HBP4Z3ECICZ", "willkommen-2024", "приглашение№1", "ab+/=%"])(
    "of an earlier system is matched as it is: %s",
    async (code) => {
      await invite({ code });
      const user = await userOf(851);
      for (const other of [code.toLowerCase(), code.toUpperCase(), ` ${code}`, code.slice(1)]) {
        if (other !== code) expect(await redeem(user.id, other)).toBe("unknown");
      }
      expect(await redeem(user.id, code)).toBeNull();
    },
  );

  it("that is unknown, revoked, expired or used up opens nothing, and says why", async () => {
    const user = await userOf(851);
    const revoked = await invite();
    await api.database.inTenant(TENANT, (tx) => revokeInvite(tx, { code: revoked.code }));
    const expired = await invite({ expiresAt: new Date(Date.now() - 1) });
    const used = await invite();
    expect(await redeem(await plantReader(api.database, 852n), used.code)).toBeNull();
    expect(await redeem(user.id, newInviteCode())).toBe("unknown");
    expect(await redeem(user.id, revoked.code)).toBe("revoked");
    expect(await redeem(user.id, expired.code)).toBe("expired");
    expect(await redeem(user.id, used.code)).toBe("used_up");
    for (const code of ["unknown", revoked.code, expired.code, used.code]) {
      const answer = await logIn(859, code);
      expect([answer.statusCode, answer.json().error.code]).toEqual([403, "invite_refused"]);
    }
    // No user was made on the way.
    expect((await logIn(859)).json().error.code).toBe("unknown_user");
  });

  it("is of one tenant", async () => {
    const { code } = await invite();
    const other = await api.database.asOwner(async (tx) => {
      await sql`insert into tenants (id, name) values ('other', 'Other')`.execute(tx);
      return code;
    });
    const userId = await plantReader(api.database, 851n, "other");
    const refused = await api.database.inTenant("other", (tx) =>
      redeemInvite(tx, { tenantId: "other", userId }, other),
    );
    expect(refused).toEqual({ refused: "unknown" });
  });
});

describe("the plan", () => {
  it("begins when the login completes, not before, and once", async () => {
    const { code } = await invite({ days: 30 });
    const answer = await logIn(861, code);
    const headers = { cookie: `auth_token=${cookieOf(answer)}` };
    const plan = async () => (await api.inject({ url: "/api/me", headers })).json();
    expect(await plan()).toMatchObject({ plan: "free", paid_until: null });
    await telegramLogin(861, "PENDING_QR", "PENDING_PASSWORD");
    expect(await plan()).toMatchObject({ plan: "free", paid_until: null });
    const before = Date.now();
    await api.database.asWorker(async (tx) => {
      const user = await userOf(861);
      const session = await tx
        .selectFrom("sessions")
        .select("id")
        .where("user_id", "=", user.id)
        .executeTakeFirstOrThrow();
      await transition(tx, session.id, { from: ["PENDING_PASSWORD"], to: "AUTHORIZED" });
    });
    const begun = await plan();
    expect(begun).toMatchObject({ plan: "premium", session_state: "AUTHORIZED" });
    expect(Math.abs(Date.parse(begun.paid_until) - before - 30 * DAY_MS)).toBeLessThan(MINUTE_MS);
    // Losing the session and logging in again gives nothing more.
    await api.database.asWorker(async (tx) => {
      const user = await userOf(861);
      const session = await tx
        .selectFrom("sessions")
        .select("id")
        .where("user_id", "=", user.id)
        .executeTakeFirstOrThrow();
      await transition(tx, session.id, { from: ["AUTHORIZED"], to: "STALE" });
      await transition(tx, session.id, { from: ["STALE"], to: "PENDING_QR" });
      await transition(tx, session.id, { from: ["PENDING_QR"], to: "AUTHORIZED" });
    });
    expect((await plan()).paid_until).toBe(begun.paid_until);
  });

  it("of somebody who is logged in already begins at once, after the one that runs", async () => {
    const first = await invite({ days: 10 });
    await logIn(862, first.code);
    await telegramLogin(862, "PENDING_QR", "AUTHORIZED");
    const until = (await userOf(862)).paidUntil?.getTime() ?? 0;
    const second = await invite({ days: 5 });
    await logIn(862, second.code);
    expect((await userOf(862)).paidUntil?.getTime()).toBe(until + 5 * DAY_MS);
  });

  it("of a trial is a trial, of free nothing", async () => {
    const [trial, free] = [await invite({ plan: "trial", days: 7 }), await invite({ plan: "free" })];
    await logIn(863, trial.code);
    await logIn(863, free.code);
    await telegramLogin(863, "PENDING_QR", "AUTHORIZED");
    const user = await userOf(863);
    expect(user).toMatchObject({ plan: "free", paidUntil: null });
    expect(Math.abs((user.trialExpiresAt?.getTime() ?? 0) - Date.now() - 7 * DAY_MS)).toBeLessThan(MINUTE_MS);
  });

  it("begins whichever of redeeming and logging in ends first", async () => {
    for (let round = 0; round < 20; round += 1) {
      const telegramId = 870 + round;
      const userId = await plantReader(api.database, BigInt(telegramId));
      const { code } = await invite();
      await telegramLogin(telegramId, "PENDING_QR");
      const completed = api.database.asWorker(async (tx) => {
        const session = await tx
          .selectFrom("sessions")
          .select("id")
          .where("user_id", "=", userId)
          .executeTakeFirstOrThrow();
        await transition(tx, session.id, { from: ["PENDING_QR"], to: "AUTHORIZED" });
      });
      await Promise.all([completed, redeem(userId, code)]);
      expect((await userOf(telegramId)).paidUntil, `round ${round}`).not.toBeNull();
    }
  });
});

const MINUTE_MS = 60_000;
