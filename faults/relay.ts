import { createServer, type NetConnectOpts, type Server, Socket } from "node:net";

/** One connection of a process, on its way through a relay. */
export interface RelayedConnection {
  readonly openedAt: number;
  /** When bytes of the process last arrived; null where none did. By our monotonic clock, milliseconds. */
  readonly lastSentAt: number | null;
  /** Bytes that the process has sent. */
  readonly sent: number;
  readonly closed: boolean;
}

/**
 * Stands between one process and a server, so that what this process sends is seen, and its network can fail.
 * It keeps the process's side open when the server has closed: a frozen process that missed the server's end writes
 * into it when it thaws, and that is seen.
 */
export interface Relay {
  readonly port: number;
  readonly connections: readonly RelayedConnection[];
  /** Nothing passes either way from now on, and nobody is told. What is sent meanwhile arrives when it is mended. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Whether the server was called: not while nothing passes. */
  dialled: boolean;
  readonly seen: { openedAt: number; lastSentAt: number | null; sent: number; closed: boolean };
}

/** Listens on a free port of loopback. */
export async function startRelay(target: NetConnectOpts): Promise<Relay> {
  const pairs: Pair[] = [];
  let passing = true;

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
    const far = new Socket({ allowHalfOpen: true });
    const seen = { openedAt: performance.now(), lastSentAt: null, sent: 0, closed: false };
    const pair: Pair = { near, far, dialled: false, seen };
    pairs.push(pair);
    join(pair);
    far.once("connect", () => flow(pair));
    if (passing) dial(pair);
  });

  function dial(pair: Pair): void {
    pair.dialled = true;
    pair.far.connect(target);
  }

  function join(pair: Pair): void {
    const { near, far, seen } = pair;
    let connected = false;
    far.once("connect", () => {
      connected = true;
    });
    near.setNoDelay(true);
    far.setNoDelay(true);
    far.pause();
    near.on("data", (bytes: Buffer) => {
      seen.lastSentAt = performance.now();
      seen.sent += bytes.length;
      if (!far.destroyed && far.writable) far.write(bytes);
    });
    far.on("data", (bytes: Buffer) => near.writable && near.write(bytes));
    near.on("end", () => far.end());
    far.on("end", () => near.end());
    near.on("close", () => {
      seen.closed = true;
      far.destroy();
    });
    near.on("error", () => near.destroy());
    far.on("error", () => (connected ? near.end() : near.destroy()));
  }

  function flow({ near, far }: Pair): void {
    if (!passing) return;
    near.resume();
    far.resume();
  }

  await listening(server);
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return pairs.map((pair) => pair.seen);
    },
    cut() {
      passing = false;
      for (const { near, far } of pairs) {
        near.pause();
        far.pause();
      }
    },
    mend() {
      passing = true;
      for (const pair of pairs) {
        if (pair.near.destroyed) continue;
        if (!pair.dialled) dial(pair);
        else if (!pair.far.connecting) flow(pair);
      }
    },
    async close() {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
}
