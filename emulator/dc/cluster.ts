import { createClusterState, type DataCenter, type DataCenterOptions, startDataCenter } from "./data-center.ts";

export interface ClusterOptions extends Omit<DataCenterOptions, "id" | "port" | "shared"> {
  /** Telegram counts its data centers from 1; port 0 is any free one. */
  readonly dataCenters: readonly { readonly id: number; readonly port: number }[];
}

/** Several data centers of one Telegram. */
export interface Cluster {
  readonly dataCenters: readonly DataCenter[];
  /** Where they are, as TELEGRAM_DC takes it. */
  readonly addresses: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  /** See DataCenter.push: the key tells which data center. */
  push(keyId: bigint, update: Buffer): number;
  dropConnections: DataCenter["dropConnections"];
  close(): Promise<void>;
}

/**
 * Starts data centers that share keys, handlers, waits and witness.
 *
 * @throws where a port cannot be had; none is left open then
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const shared = createClusterState();
  const dataCenters: DataCenter[] = [];
  const close = async () => {
    await Promise.all(dataCenters.map((dataCenter) => dataCenter.close()));
  };
  try {
    for (const { id, port } of options.dataCenters) {
      dataCenters.push(await startDataCenter({ ...options, id, port, shared }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    dataCenters,
    addresses: dataCenters.map(({ id, host, port }) => ({ id, host, port })),
    push: (keyId, update) => dataCenters.reduce((reached, dataCenter) => reached + dataCenter.push(keyId, update), 0),
    dropConnections: (which) =>
      dataCenters.reduce((dropped, dataCenter) => dropped + dataCenter.dropConnections(which), 0),
    close,
  };
}
