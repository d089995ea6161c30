import type { Config } from "../config/load.ts";
import type { FleetOptions } from "./fleet.ts";
import type { LoginDependencies } from "./login/custody.ts";

type ConfiguredOfFleet =
  | "installation"
  | "heartbeatUrl"
  | "redisPrefix"
  | "keyring"
  | "apiIds"
  | "dataCenters"
  | "flood"
  | "limits";

/** What a process's part of the fleet needs of the configuration, with what only the process has. */
export function fleetOptions(config: Config, process: Omit<FleetOptions, ConfiguredOfFleet>): FleetOptions {
  const { redisPrefix, keyring, apiIds, dataCenters, flood, limits } = config;
  return {
    installation: { ...config.installation, everyMs: limits.installationEveryMs },
    heartbeatUrl: config.databaseDirectUrl ?? "",
    ...{ redisPrefix, keyring, apiIds, dataCenters, flood, limits },
    ...process,
  };
}

/** What a login needs of the configuration, with what only the process has. */
export function loginDependencies(
  config: Config,
  process: Pick<LoginDependencies, "database" | "fleet" | "metrics" | "clock" | "log">,
): LoginDependencies {
  const { apiIds, dataCenters, flood, limits, terms } = config;
  return {
    times: limits,
    callsInFlight: limits.callsInFlightPerAccount,
    codesPerDay: config.smsCodesPerDay,
    consent: terms,
    ...{ apiIds, dataCenters, flood },
    ...process,
  };
}
