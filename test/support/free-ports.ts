import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give out by themselves. */
const RANGE = [20_000, 30_000] as const;

/** The first of `count` ports in a row that nobody listens on, on loopback. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(...RANGE);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
