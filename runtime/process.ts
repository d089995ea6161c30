import { leaveCluster } from "./cluster.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import { announceReady } from "./ready.ts";

/** What a library still tries for good once all is closed, such as a Redis that is away, is not waited for longer. */
const LEFT_OPEN_MS = 2_000;

/**
 * Runs a process until a signal ends it, also while it still starts. Tells its parent once it works. Once all that it
 * owned is released the process ends, whatever a library left behind.
 *
 * @throws what `start` throws of itself, after everything that it had opened was released
 */
export async function runProcess(
  log: Log,
  start: (lifecycle: Lifecycle) => Promise<{ port: number; details?: Readonly<Record<string, unknown>> }>,
): Promise<void> {
  const lifecycle = new Lifecycle(log);
  const closed = lifecycle.closeOnSignals();
  try {
    const { port, details } = await start(lifecycle);
    if (!lifecycle.signal.aborted) announceReady(port, details);
  } catch (error) {
    // What fails because everything is being closed under it is no failure.
    const stopping = lifecycle.signal.aborted;
    await lifecycle.close();
    if (!stopping) throw error;
  }
  await closed;
  await leaveCluster();
  // Unreferenced: it fires only where something else keeps the process alive.
  setTimeout(() => {
    log.warn("something was left open");
    process.exit();
  }, LEFT_OPEN_MS).unref();
}
