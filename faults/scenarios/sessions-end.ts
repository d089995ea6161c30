import { readFile } from "node:fs/promises";
import { DEFAULT_TENANT } from "../../cli/context.ts";
import { listSessions, loadSealed, type SessionInfo, sessionEvents } from "../../db/sessions.ts";
import { type EndingName, endSessions } from "../../emulator/end-sessions.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { sleep } from "../../runtime/sleep.ts";
import { parsedAgain } from "../due-work.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { keepDue } from "../keep-due.ts";
import { createLoginsMeanwhile, type Replaced } from "../login-meanwhile.ts";
import { atLeast, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { startTellers, type Told } from "../tellers.ts";
import { until } from "../until.ts";

/** How Telegram ends sessions, and what is recorded of it. */
const KINDS: readonly (readonly [error: EndingName, reason: string])[] = [
  ["AUTH_KEY_DUPLICATED", "duplicated"],
  ["AUTH_KEY_UNREGISTERED", "auth_lost"],
  ["SESSION_REVOKED", "revoked_elsewhere"],
  ["USER_DEACTIVATED", "deactivated"],
];
const UNKNOWN = "SOMETHING_NEW";
const PRIVATE = "CHANNEL_PRIVATE";
/** What ended sessions' jobs, and those that met the unknown error, may fail with. */
const MAY_FAIL = new RegExp([...KINDS.map(([error]) => error), UNKNOWN, "session not usable: STALE"].join("|"));
const WITHIN_MS = 60_000;
/** Who reads on from start to end. */
const UNTOUCHED = 6;

type Account = Fleet["emulator"]["accounts"][number];

/** An account, its key, and how it is to end. */
interface Victim {
  readonly account: Account;
  readonly keyId: bigint;
  readonly error: EndingName;
  readonly reason: string;
}

export const sessionsEnd: Scenario = {
  number: 11,
  fault: "sessions ended by Telegram in four ways, logins meanwhile, CHANNEL_PRIVATE as 406, an unknown 401",
  passesWhen: "no further call, told once, state and reason shown, a new session is not touched, the last two end none",
  kills: 12,
  provenWithout: [],

  async run(stage) {
    const few = Math.ceil(stage.kills / KINDS.length);
    const meanwhile = createLoginsMeanwhile();
    const fleet = await startFleet(stage, {
      users: Math.ceil((stage.kills + 3 * few + UNTOUCHED) / stage.share),
      ...{ channels: 6, postsPerMinute: 120, answerMs: [10, 60], workers: 3 },
      dataCenterFaults: meanwhile.faults,
    });
    const victims = fleet.emulator.accounts.slice(0, stage.kills).map((account, at) => victimOf(fleet, account, at));
    const rest = fleet.emulator.accounts.slice(stage.kills);
    const [replacing, losing, doubtful] = [rest.slice(0, few), rest.slice(few, 2 * few), rest.slice(2 * few, 3 * few)];
    await parsedSince(stage, fleet, fleet.emulator.accounts, new Date(0));
    const beganWith = await eventsOf(fleet);
    const told = startTellers(stage, fleet);
    const stopDue = keepDue(stage, fleet);
    meanwhile.aim(fleet, new Map(replacing.map(({ telegramId }, at) => [telegramId, kindOf(at)[0]])));
    const takeBack = losing.map((account) => refuseChannel(fleet, account));
    for (const { telegramId } of doubtful)
      fleet.emulator.refusals.order({
        ...{ error: UNKNOWN, code: 401, accountIds: [telegramId], method: "messages.GetPeerDialogs", times: 1 },
      });
    const midParse = await endAll(stage, fleet, victims);
    const met = (error: string, some: readonly Account[]) =>
      some.filter((account) => callsOf(fleet, account).some(({ outcome }) => outcome === error)).length;
    await until(
      async () =>
        (await stale(fleet)).length >= victims.length &&
        meanwhile.replaced.length === few &&
        met(PRIVATE, losing) === few &&
        met(UNKNOWN, doubtful) === few,
      { withinMs: WITHIN_MS, everyMs: 100, signal: stage.signal },
    );
    // From here on the plans' own intervals are load enough: logins are processes of their own.
    stopDue();
    stage.progress("asking for the ended sessions by hand");
    await knock(fleet, victims);
    const shown = await shownBy(fleet);
    await until(() => told.size >= victims.length, { withinMs: WITHIN_MS, signal: stage.signal });
    const again = victims.filter(
      (_, index) => index % KINDS.length === Math.floor(index / KINDS.length) % KINDS.length,
    );
    const over = victims.filter((victim) => !again.includes(victim));
    const failedLogins = await logIn(stage, fleet, again);
    const since = new Date();
    const left = [...again.map(({ account }) => account), ...replacing, ...losing, ...doubtful];
    const read = await parsedSince(stage, fleet, left, since);
    for (const back of takeBack) back();
    const after = victims.map((victim) => callsAfter(fleet, victim));
    const lost = await lostChannels(fleet);
    const ended = await stale(fleet);
    return [
      exactly("sessions ended", victims.length, stage.kills),
      atLeast("in mid-parse", midParse, 1),
      exactly("further calls on ended sessions", sum(after.map(({ further }) => further)), 0),
      figure("calls on their way", sum(after.map(({ onTheirWay }) => onTheirWay))),
      exactly("owners told once, with the reason", toldOnce(told, victims), stage.kills),
      exactly("told for nothing", told.size - toldOf(told, victims), 0),
      exactly("shown with state and reason", victims.filter((victim) => isShown(shown, victim)).length, stage.kills),
      exactly("logged in meanwhile", meanwhile.replaced.length, few),
      exactly("of these, touched", await touched(fleet, meanwhile.replaced, beganWith), 0),
      exactly("logins afterwards that failed", failedLogins, 0),
      exactly("read again after their login", read ? left.length : 0, left.length),
      exactly("CHANNEL_PRIVATE as 406 met", met(PRIVATE, losing), few),
      exactly("channels lost, one each", lost, few),
      exactly("unknown 401 met", met(UNKNOWN, doubtful), few),
      exactly("not confirmed by one getMe", doubtful.filter((each) => !confirmed(fleet, each)).length, 0),
      exactly("sessions ended besides", ended.filter((each) => !isOf(over, each)).length, 0),
      ...(await judge(stage, fleet, { mayFail: MAY_FAIL })),
    ];
  },
};

const kindOf = (index: number) => KINDS[index % KINDS.length]!;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const isOf = (victims: readonly Victim[], { telegramId }: SessionInfo) =>
  victims.some(({ account }) => account.telegramId === telegramId);
const callsOf = ({ emulator }: Fleet, { telegramId }: Account) => emulator.witness.calls({ accountId: telegramId });
const sessions = ({ database }: Fleet) => database.inTenant(DEFAULT_TENANT, (tx) => listSessions(tx));
const stale = async (fleet: Fleet) => (await sessions(fleet)).filter(({ state }) => state === "STALE");

function victimOf({ emulator }: Fleet, account: Account, index: number): Victim {
  const [error, reason] = kindOf(index);
  const key = emulator.keys.ofAccount(account.telegramId)[0];
  if (!key) throw new Error(`no key of ${account.telegramId}`);
  return { account, keyId: key.keyId, error, reason };
}

/** Ends them one by one; gives how many of them were just being used. */
async function endAll(stage: Stage, fleet: Fleet, victims: readonly Victim[]): Promise<number> {
  const all = await sessions(fleet);
  let midParse = 0;
  for (const { account, error } of victims) {
    await sleep(stage.random.int(0, 300), stage.signal);
    const id = all.find(({ telegramId }) => telegramId === account.telegramId)?.id;
    const leases = await fleet.leases();
    if (leases.some(({ sessionId }) => sessionId === id)) midParse += 1;
    endSessions(fleet.emulator.keys, account.telegramId, error);
    stage.progress(`${error} for ${account.telegramId}`);
  }
  return midParse;
}

/** One of its channels is out of this account's reach from now on, until the returned function is called. */
function refuseChannel({ emulator }: Fleet, { telegramId }: Account): () => void {
  const channelId = [...(emulator.world.users.get(telegramId)?.joined ?? [])][0];
  if (channelId === undefined) throw new Error(`${telegramId} follows nothing`);
  return emulator.refusals.order({ error: PRIVATE, code: 406, accountIds: [telegramId], channelId });
}

/** Whether each of these was parsed since. */
async function parsedSince(stage: Stage, fleet: Fleet, some: readonly Account[], since: Date): Promise<boolean> {
  const ids = new Set(some.map(({ telegramId }) => telegramId));
  const due = new Set((await sessions(fleet)).flatMap((each) => (ids.has(each.telegramId) ? each.userId : [])));
  return (await parsedAgain(stage, fleet, { due, after: since, withinMs: 2 * WITHIN_MS })) !== null;
}

/** Whatever opens a session, asked for by hand; it is waited for. */
async function knock(fleet: Fleet, victims: readonly Victim[]): Promise<void> {
  const channelId = String([...fleet.emulator.world.channels.keys()][0]);
  const jobs = (await sessions(fleet))
    .filter((session) => isOf(victims, session))
    .flatMap(({ id, userId, apiId }): NewJob[] => {
      const common = { queue: `parse-${apiId}`, urgency: "manual", dueAt: new Date() } as const;
      const user = { tenantId: DEFAULT_TENANT, userId: String(userId) };
      return [
        { ...common, name: "parse-user", data: user },
        { ...common, name: "backfill-channel", data: { ...user, channelId } },
        { ...common, name: "reconcile-channel", data: { ...user, channelId } },
        { ...common, name: "verify-session", data: { tenantId: DEFAULT_TENANT, sessionId: String(id) } },
      ];
    });
  const refs = await fleet.producer.addBulk(jobs);
  // They end as failed, which is what waiting for them throws.
  for (const ref of refs) await fleet.producer.waitFor(ref, WITHIN_MS).catch(() => {});
}

/** Every session as `gramfleet sessions list` shows it. */
async function shownBy(fleet: Fleet): Promise<readonly { telegramId: string; state: string; reason: string | null }[]> {
  const command = fleet.command("list", ["sessions", "list", "--json"]);
  await command.exited;
  const lines = (await readFile(command.logFile, "utf8")).split("\n");
  return JSON.parse(lines.find((line) => line.startsWith("[")) ?? "[]");
}

const isShown = (shown: Awaited<ReturnType<typeof shownBy>>, { account, reason }: Victim) =>
  shown.some((row) => row.telegramId === String(account.telegramId) && row.state === "STALE" && row.reason === reason);

/** The calls on a key after the one that said it is over: a session's calls are in flight two at a time. */
function callsAfter(fleet: Fleet, { account, keyId, error }: Victim): { further: number; onTheirWay: number } {
  const calls = callsOf(fleet, account).filter((call) => call.keyId === keyId);
  const first = calls.findIndex(({ outcome }) => outcome === error);
  const later = first < 0 ? [] : calls.slice(first + 1);
  const atOnce = fleet.config.limits.callsInFlightPerAccount - 1;
  const same = later.filter(({ connectionId }) => connectionId === calls[first]?.connectionId).length;
  return { further: later.length - Math.min(same, atOnce), onTheirWay: Math.min(same, atOnce) };
}

const toldOf = (told: Told, victims: readonly Victim[]) =>
  victims.filter(({ account }) => told.has(account.telegramId)).length;

function toldOnce(told: Told, victims: readonly Victim[]): number {
  return victims.filter(({ account, reason }) => {
    const reasons = told.get(account.telegramId) ?? [];
    return reasons.length === 1 && reasons[0] === reason;
  }).length;
}

/** Each session's transitions, by its id. */
async function eventsOf(fleet: Fleet): Promise<ReadonlyMap<bigint, number>> {
  const counted = (await sessions(fleet)).map(async ({ id }) => {
    const events = await fleet.database.asWorker((tx) => sessionEvents(tx, id));
    return [id, events.length] as const;
  });
  return new Map(await Promise.all(counted));
}

/** Of those replaced meanwhile, how many have another state or key than the login left, or were called with the old one. */
async function touched(fleet: Fleet, replaced: readonly Replaced[], before: ReadonlyMap<bigint, number>) {
  const [now, events] = await Promise.all([sessions(fleet), eventsOf(fleet)]);
  let count = 0;
  for (const { telegramId, oldKeyId, newKeyId, fingerprint } of replaced) {
    const session = now.find((each) => each.telegramId === telegramId);
    const sealed = session && (await fleet.database.asWorker((tx) => loadSealed(tx, session.id)));
    const calls = fleet.emulator.witness.calls({ accountId: telegramId });
    const end = calls.findIndex(({ keyId, outcome }) => keyId === oldKeyId && outcome !== "ok");
    const fine =
      session?.state === "AUTHORIZED" &&
      events.get(session.id) === before.get(session.id) &&
      sealed?.fingerprint.equals(fingerprint) &&
      calls.slice(end + 1).every(({ keyId, outcome }) => keyId === newKeyId && outcome === "ok");
    if (!fine) count += 1;
  }
  return count;
}

/** Their owners log in again, by phone. Gives how many could not. */
async function logIn(stage: Stage, fleet: Fleet, victims: readonly Victim[]): Promise<number> {
  let failed = 0;
  for (const { account } of victims) {
    const { telegramId, phone, dcId } = account;
    stage.progress(`logging ${telegramId} in again`);
    const args = ["sessions", "login", String(telegramId), "--phone", phone, "--code", String(dcId).repeat(5)];
    const { code } = await fleet.command(`login-${telegramId}`, args).exited;
    if (code !== 0) failed += 1;
  }
  return failed;
}

/** Accounts' channels that are out of their reach. */
async function lostChannels({ database }: Fleet): Promise<number> {
  const rows = await database.asWorker((tx) =>
    tx.selectFrom("channel_access").select("state").where("state", "!=", "ok").execute(),
  );
  return rows.length;
}

/** The next call after the unknown error is getMe, on the same connection, and is answered. */
function confirmed(fleet: Fleet, account: Account): boolean {
  const calls = callsOf(fleet, account);
  const at = calls.findIndex(({ outcome }) => outcome === UNKNOWN);
  const { connectionId } = calls[at] ?? {};
  const later = calls.slice(at + 1).filter((call) => call.connectionId === connectionId);
  return later.length === 1 && later[0]?.method === "users.GetUsers" && later[0].outcome === "ok";
}
