import { createServer, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AuthKeyStore } from "./auth-keys.ts";
import { Connection } from "./connection.ts";
import { createDhGroup, type DhGroup } from "./dh-group.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Faults } from "./faults.ts";
import { HandedOutWaits } from "./handed-out-waits.ts";
import { KeyExchange } from "./key-exchange.ts";
import { KeyGuard } from "./key-guard.ts";
import { MessageRouter } from "./message-router.ts";
import type { RsaKey } from "./rsa-key.ts";
import { Salts } from "./salts.ts";
import type { FloodGate, Handlers, Witness } from "./service.ts";
import { Sessions } from "./sessions.ts";

export interface DataCenterOptions {
  readonly id: number;
  /** Loopback, unless somebody knows better. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly rsa: RsaKey;
  readonly keys: AuthKeyStore;
  /** Asked at each request: handlers may be added later. */
  readonly handlers: Handlers;
  readonly floods: FloodGate;
  readonly witness: Witness;
  readonly clock: Clock;
  readonly log: Log;
  readonly faults?: Faults;
  /** Results of more bytes are sent compressed; 128 KiB unless given: compressing costs more than loopback does. */
  readonly gzipAboveBytes?: number;
  /** What the data centers of one cluster share; a data center alone makes its own. */
  readonly shared?: ClusterState;
}

/** What is one for all data centers of an emulator. */
export interface ClusterState {
  readonly dh: DhGroup;
  readonly waits: HandedOutWaits;
  nextConnectionId: number;
}

export function createClusterState(): ClusterState {
  return { dh: createDhGroup(), waits: new HandedOutWaits(), nextConnectionId: 1 };
}

export interface DataCenter {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /**
   * Sends boxed TL (an Updates) to the connections of a key, but not to those whose last request came under
   * invokeWithoutUpdates. Gives how many got it.
   */
  push(keyId: bigint, update: Buffer): number;
  /** Cuts connections, all or those that `which` picks, without a word. Gives how many. */
  dropConnections(
    which?: (connection: { connectionId: number; keyIds: bigint[]; accountIds: bigint[] }) => boolean,
  ): number;
  /** Stops listening and cuts what is connected. */
  close(): Promise<void>;
}

/**
 * Starts a data center that speaks MTProto 2.0 over TCP: all of the documented transports on one port.
 *
 * @throws where the port cannot be had
 */
export async function startDataCenter(options: DataCenterOptions): Promise<DataCenter> {
  const { id, keys, witness, clock, log, faults = {}, shared = createClusterState() } = options;
  const connections = new Set<Connection>();
  const guard = new KeyGuard();
  const salts = new Salts();
  const sessions = new Sessions<Connection>();
  const { waits } = shared;
  const dispatcher = new Dispatcher({ ...options, dcId: id, waits, faults });
  const gzipAboveBytes = options.gzipAboveBytes ?? 128 * 1024;
  const router = new MessageRouter<Connection>({
    dispatcher,
    keys,
    salts,
    sessions,
    waits,
    gzipAboveBytes,
    clock,
    log,
  });

  const accept = (socket: Socket) => {
    const connectionId = shared.nextConnectionId++;
    const connection = new Connection(socket, {
      connectionId,
      dcId: id,
      keys,
      guard,
      salts,
      sessions,
      router,
      keyExchange: (agreed) => new KeyExchange({ dcId: id, rsa: options.rsa, dh: shared.dh, agreed }),
      witness,
      clock,
      log,
      cut: faults.cutAfterBytes?.(connectionId) ?? {},
      faults,
    });
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  };
  const server = createServer(accept);
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : options.port);
    });
  });

  const dropConnections: DataCenter["dropConnections"] = (which = () => true) => {
    const picked = [...connections].filter((connection) => {
      const used = connection.keys();
      return which({
        connectionId: connection.state.connectionId,
        keyIds: used.map((key) => key.keyId),
        accountIds: used.flatMap((key) => (key.accountId === null ? [] : [key.accountId])),
      });
    });
    for (const connection of picked) connection.destroy();
    return picked.length;
  };
  return {
    id,
    host: options.host,
    port,
    push(keyId, update) {
      let reached = 0;
      for (const { session, carrier } of sessions.connected(keyId)) {
        if (carrier.state.withoutUpdates || !session.announced) continue;
        session.send(update, clock.now(), { kind: "notice", content: true });
        carrier.scheduleFlush();
        reached += 1;
      }
      return reached;
    },
    dropConnections,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      dropConnections();
      return closed;
    },
  };
}
