import type { Lifecycle } from "../runtime/lifecycle.ts";

/**
 * Owns what is still starting, and gives it once it is there. Interrupted meanwhile, the lifecycle waits for it and
 * releases it then: no process is left behind half started.
 */
export async function acquire<T>(
  lifecycle: Lifecycle,
  name: string,
  starting: Promise<T>,
  release: (resource: T) => Promise<void> | void,
): Promise<T> {
  lifecycle.own(name, starting, (started) => started.then(release, () => undefined));
  return starting;
}
