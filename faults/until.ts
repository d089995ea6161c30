import { sleep } from "../runtime/sleep.ts";

/** Asks until `check` gives something other than null or false, and gives that; null once the time is up or `signal` aborts. */
export async function until<T>(
  check: () => Promise<T | null | false> | T | null | false,
  options: { readonly withinMs: number; readonly everyMs?: number; readonly signal: AbortSignal },
): Promise<T | null> {
  const end = performance.now() + options.withinMs;
  for (;;) {
    options.signal.throwIfAborted();
    const found = await check();
    if (found !== null && found !== false) return found;
    if (performance.now() > end) return null;
    await sleep(options.everyMs ?? 10, options.signal);
  }
}
