import { OperatorError } from "../runtime/operator-error.ts";
import type { Scenario } from "./scenario.ts";
import { accountsFlooded } from "./scenarios/accounts-flooded.ts";
import { clocksJump } from "./scenarios/clocks-jump.ts";
import { connectionsCut } from "./scenarios/connections-cut.ts";
import { framesMutated } from "./scenarios/frames-mutated.ts";
import { killedBeforeAcknowledgement } from "./scenarios/killed-before-acknowledgement.ts";
import { loginKilled } from "./scenarios/login-killed.ts";
import { postgresCutOff } from "./scenarios/postgres-cut-off.ts";
import { postgresRestarted } from "./scenarios/postgres-restarted.ts";
import { redisFlushed } from "./scenarios/redis-flushed.ts";
import { redisRestarted } from "./scenarios/redis-restarted.ts";
import { rollingRestart } from "./scenarios/rolling-restart.ts";
import { sameJobKilled } from "./scenarios/same-job-killed.ts";
import { sessionsEnd } from "./scenarios/sessions-end.ts";
import { wholeDay } from "./scenarios/whole-day.ts";
import { workerFrozen } from "./scenarios/worker-frozen.ts";
import { workerKilled } from "./scenarios/worker-killed.ts";

/** The table of faults, by number. */
export const SCENARIOS: readonly Scenario[] = [
  workerKilled,
  sameJobKilled,
  workerFrozen,
  killedBeforeAcknowledgement,
  redisFlushed,
  redisRestarted,
  postgresRestarted,
  connectionsCut,
  postgresCutOff,
  accountsFlooded,
  sessionsEnd,
  clocksJump,
  framesMutated,
  rollingRestart,
  wholeDay,
  loginKilled,
];

/** Those asked for, in the table's order; where none was, all that do not run by hand alone. @throws OperatorError where one is not in the table */
export function chooseScenarios(numbers: readonly number[]): readonly Scenario[] {
  const unknown = numbers.filter((number) => !SCENARIOS.some((scenario) => scenario.number === number));
  if (unknown.length > 0)
    throw new OperatorError(`there is no scenario ${unknown.join(", ")}: see --list`, { exitCode: 2 });
  return SCENARIOS.filter(({ number, byHand }) => (numbers.length === 0 ? !byHand : numbers.includes(number)));
}
