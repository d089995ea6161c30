import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlAccount } from "../emulator/control-protocol.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { acquire } from "./acquire.ts";
import type { Fleet } from "./fleet.ts";
import type { MeasuredGround } from "./ground.ts";
import { type BenchProcess, builtSide, startProcess } from "./process.ts";

export interface BareAccount {
  readonly session: string;
  readonly apiId: number;
  readonly apiHash: string;
}

/** What a side that is bare GramJS is told of the emulator, and who it is logged in as. */
export interface Given {
  readonly dataCenters: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly publicKeyPem: string;
  readonly accounts: readonly BareAccount[];
}

/** Starts a side that is bare GramJS. What it is given goes by a file: a thousand sessions are too much for its environment. */
export function startBareGramJs<More extends object>(
  options: {
    readonly name: string;
    readonly module: Parameters<typeof builtSide>[1];
    readonly ground: MeasuredGround;
    readonly fleet: Pick<Fleet, "config" | "env">;
    readonly lifecycle: Lifecycle;
    readonly nodeFlags?: readonly string[];
  },
  accounts: readonly ControlAccount[],
  more: More,
): Promise<BenchProcess> {
  const { name, ground, fleet, lifecycle } = options;
  const file = join(ground.dir, `${name.replaceAll(" ", "-")}.json`);
  writeFileSync(file, JSON.stringify({ ...givenOf(fleet, accounts), ...more }), { mode: 0o600 });
  const started = startProcess({
    name,
    command: builtSide(ground.dist, options.module),
    nodeFlags: options.nodeFlags ?? [],
    env: { PATH: fleet.env.PATH, BENCH_GIVEN: file },
    logFile: ground.logFile(name.replaceAll(" ", "-")),
  });
  return acquire(lifecycle, name, started, (side) => side.stop());
}

function givenOf({ config }: Pick<Fleet, "config">, accounts: readonly ControlAccount[]): Given {
  return {
    dataCenters: config.dataCenters?.addresses ?? [],
    publicKeyPem: config.dataCenters?.publicKeyPem ?? "",
    accounts: accounts.map(({ session, apiId }) => ({
      ...{ session, apiId },
      apiHash: config.apiIds.masters.find((master) => master.apiId === apiId)!.apiHash,
    })),
  };
}
