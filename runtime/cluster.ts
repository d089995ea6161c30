import cluster from "node:cluster";

/**
 * Tells the process that hands us connections, where one does (pm2 in cluster mode), that we are going, and waits until
 * it knows: one that it sends to a process which is gone is lost, though another process could have answered.
 */
export async function leaveCluster(): Promise<void> {
  const { worker } = cluster;
  if (!worker?.isConnected()) return;
  await new Promise<void>((resolve) => {
    worker.once("disconnect", resolve);
    worker.disconnect();
  });
}
