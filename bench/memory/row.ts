import { Lifecycle } from "../../runtime/lifecycle.ts";
import { acquire } from "../acquire.ts";
import { startFleet } from "../fleet.ts";
import { startBareGramJs } from "../given.ts";
import type { MeasuredGround } from "../ground.ts";
import { type BenchProcess, builtSide, startProcess } from "../process.ts";
import type { Figure, Sides } from "../side-by-side.ts";
import { WARM_UP_CLIENTS } from "./figure.ts";

/** Both sides hold as many accounts open in one process, and say by how much that raised what lives on its heap. */
export async function openMemory(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: { readonly clients: number },
): Promise<Sides> {
  const fleet = await startFleet(ground, lifecycle, {
    ...{ name: "memory", users: 2 * options.clients, ours: options.clients, channels: 1, files: [], worker: null },
  });
  const nodeFlags = ["--expose-gc"];
  const startOurs = (own: Lifecycle) =>
    acquire(
      own,
      "our accounts",
      startProcess({
        name: "our accounts",
        command: builtSide(ground.dist, "bench/memory/our-accounts.ts"),
        env: fleet.env,
        logFile: ground.logFile("memory-ours"),
        nodeFlags,
      }),
      (side) => side.stop(),
    );
  const startBare = (own: Lifecycle) =>
    startBareGramJs(
      {
        name: "bare GramJS of memory",
        module: "bench/memory/bare-gramjs.ts",
        ...{ ground, fleet, lifecycle: own, nodeFlags },
      },
      fleet.accounts.slice(options.clients),
      {},
    );
  const run = (start: (own: Lifecycle) => Promise<BenchProcess>) => async () => {
    const own = lifecycle.own("side", new Lifecycle(ground.log), (each) => each.close());
    const before = await fleet.control.summary();
    const figure = await start(own)
      .then((side) => side.ask<Figure>("run"))
      .finally(() => own.close());
    const after = await fleet.control.summary();
    const connected = after.connectionsTotal - before.connectionsTotal;
    const warmUp = Math.min(WARM_UP_CLIENTS, options.clients);
    if (connected !== options.clients + warmUp || after.keysKilled > 0)
      throw new Error(`${connected - warmUp} of ${options.clients} clients connected, ${after.keysKilled} keys killed`);
    return figure;
  };
  return { fresh: true, ours: run(startOurs), baseline: run(startBare) };
}
