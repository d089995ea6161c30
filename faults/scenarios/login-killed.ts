import { DEFAULT_TENANT } from "../../cli/context.ts";
import type { Child } from "../../cli/up/children.ts";
import { listSessions, type SessionInfo } from "../../db/sessions.ts";
import type { Faults } from "../../emulator/dc/faults.ts";
import { sleep } from "../../runtime/sleep.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { atLeast, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";

/** Telegram's yes, by code alone and by code and password. */
const SUCCESSES = ["auth.SignIn", "auth.CheckPassword"];
/** From before the answer leaves until after the login has been saved. */
const KILLED_AFTER_MS = [0, 150] as const;
/** A login that was quicker than its death is no kill, and another is tried. */
const TRIES = 4;
/** A lease's end and its quiet time, and the next sweep of a worker. */
const ENDED_WITHIN_MS = 60_000;
const FIRST_ID = 6_200_000_000n;
const PASSWORD = "Korrektes Pferd 🐎";

interface Person {
  readonly id: bigint;
  readonly args: readonly string[];
}

export const loginKilled: Scenario = {
  number: 16,
  fault: "a login killed between Telegram's success and the save",
  passesWhen: "the session is finished or logged out by maintenance, no key that nobody holds",
  kills: 20,
  provenWithout: [],

  async run(stage) {
    const victim = createVictim(stage);
    const fleet = await startFleet(stage, {
      ...{ users: 4, channels: 4, postsPerMinute: 60, answerMs: [1, 20], workers: 2 },
      dataCenterFaults: victim.faults,
    });
    const people: Person[] = [];
    let killed = 0;
    while (killed < stage.kills && people.length < stage.kills * TRIES) {
      const person = addPerson(fleet, people.length);
      people.push(person);
      const login = fleet.command(`login-${people.length}`, person.args);
      victim.aim(person.id, login);
      if ((await login.exited).signal === "SIGKILL") killed += 1;
      stage.progress(`killed ${killed} of ${stage.kills}`);
    }
    const finished = (await sessionsOf(fleet, people)).filter(({ state }) => state === "AUTHORIZED").length;
    const began = performance.now();
    await until(async () => (await left(fleet, people)).pending === 0, {
      ...{ withinMs: ENDED_WITHIN_MS, everyMs: 100, signal: stage.signal },
    });
    const endedMs = performance.now() - began;
    const { pending, orphans, missing } = await left(fleet, people);
    return [
      atLeast("killed", killed, stage.kills),
      atLeast("killed before the save", people.length - finished, 1),
      exactly("logins still pending", pending, 0),
      figure("ended after, ms", Math.round(endedMs)),
      exactly("keys that nobody holds", orphans, 0),
      exactly("sessions without their key", missing, 0),
      exactly("logins that fail afterwards", await failingLogins(stage, fleet, people), 0),
      ...(await judge(stage, fleet)),
    ];
  },
};

/** The login that is to die once Telegram has said yes to it. */
function createVictim(stage: Stage) {
  let target: { readonly id: bigint; readonly child: Child } | null = null;
  const faults: Faults = {
    async beforeAnswer({ className }, { key }) {
      if (!target || !SUCCESSES.includes(className) || key.accountId !== target.id) return undefined;
      const { child } = target;
      target = null;
      const afterMs = stage.random.int(...KILLED_AFTER_MS);
      const kill = () => process.kill(child.pid, "SIGKILL");
      if (afterMs === 0) kill();
      else
        void sleep(afterMs)
          .then(kill)
          .catch(() => {});
      return undefined;
    },
  };
  return {
    faults,
    aim(id: bigint, child: Child) {
      target = { id, child };
    },
  };
}

/** Every other one with a two-step password; all three data centers. */
function addPerson({ emulator }: Fleet, index: number): Person {
  const dcId = 1 + (index % 3);
  const id = FIRST_ID + BigInt(index);
  const phone = `99966${dcId}${String(5_000 + index)}`;
  const password = index % 2 === 1 ? PASSWORD : null;
  emulator.world.addUser({ id, phone, firstName: "Ada", username: null, dcId, premium: false, password });
  const code = String(dcId).repeat(5);
  return {
    id,
    args: [
      ...["sessions", "login", String(id), "--phone", phone, "--code", code],
      ...(password ? ["--password", password] : []),
    ],
  };
}

async function sessionsOf(fleet: Fleet, people: readonly Person[]): Promise<SessionInfo[]> {
  const ids = new Set(people.map(({ id }) => id));
  const all = await fleet.database.inTenant(DEFAULT_TENANT, (tx) => listSessions(tx));
  return all.filter(({ telegramId }) => ids.has(telegramId));
}

/** Logins that are neither finished nor ended; keys that are logged in at Telegram beside their session, or not for it. */
async function left(fleet: Fleet, people: readonly Person[]) {
  const sessions = await sessionsOf(fleet, people);
  let orphans = 0;
  let missing = 0;
  for (const { id } of people) {
    const keys = fleet.emulator.keys.ofAccount(id).length;
    const held = sessions.filter(({ telegramId, state }) => telegramId === id && state === "AUTHORIZED").length;
    orphans += Math.max(0, keys - held);
    missing += Math.max(0, held - keys);
  }
  return { pending: sessions.filter(({ state }) => state.startsWith("PENDING")).length, orphans, missing };
}

/** Whoever is logged out logs in again. */
async function failingLogins(stage: Stage, fleet: Fleet, people: readonly Person[]): Promise<number> {
  const sessions = await sessionsOf(fleet, people);
  const authorized = new Set(
    sessions.filter(({ state }) => state === "AUTHORIZED").map(({ telegramId }) => telegramId),
  );
  let failed = 0;
  for (const { id, args } of people.filter((person) => !authorized.has(person.id)).slice(0, 3)) {
    stage.progress(`logging ${id} in again`);
    const { code } = await fleet.command(`again-${id}`, args).exited;
    if (code !== 0) failed += 1;
  }
  return failed;
}
