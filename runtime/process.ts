import { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import { announceReady } from "./ready.ts";

/**
 * Runs a process until a signal ends it, also while it still starts. Tells its parent once it works.
 *
 * @throws what `start` throws of itself, after everything that it had opened was released
 */
export async function runProcess(log: Log, start: (lifecycle: Lifecycle) => Promise<{ port: number }>): Promise<void> {
  const lifecycle = new Lifecycle(log);
  const closed = lifecycle.closeOnSignals();
  try {
    const { port } = await start(lifecycle);
    if (!lifecycle.signal.aborted) announceReady(port);
  } catch (error) {
    // What fails because everything is being closed under it is no failure.
    const stopping = lifecycle.signal.aborted;
    await lifecycle.close();
    if (!stopping) throw error;
  }
  await closed;
}
