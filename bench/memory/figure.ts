import type { Figure } from "../side-by-side.ts";

/** So many are opened and closed before: what a process loads and compiles for any client at all is none's. */
export const WARM_UP_CLIENTS = 50;

/** Heap by client: what it grew by while all of them were open, after a collection at each end. */
export async function heapPerClient<Client>(
  clients: readonly Client[],
  whileOpen: (clients: readonly Client[], measure: () => Promise<void>) => Promise<void>,
): Promise<Figure> {
  await whileOpen(clients.slice(0, WARM_UP_CLIENTS), async () => {});
  const before = await collected();
  let open = before;
  await whileOpen(clients, async () => {
    open = await collected();
  });
  const each = (bytes: number) => bytes / clients.length / 1_024;
  return {
    value: each(open.heapUsed - before.heapUsed),
    note: `RSS ${(open.rss / 2 ** 20).toFixed(0)} MiB (${each(open.rss - before.rss).toFixed(0)} KiB each more than before), outside the heap ${each(open.external - before.external).toFixed(1)} KiB each`,
  };
}

/** What finalizers let go is there only after the next turn of the loop. */
async function collected(): Promise<NodeJS.MemoryUsage> {
  const { gc } = globalThis as { gc?: () => void };
  if (!gc) throw new Error("not started with --expose-gc");
  for (let turn = 0; turn < 4; turn += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}
