/** What ioredis throws of a connection that has gone, by text alone but for two; the last ones are of a cluster. */
const GONE =
  /^(Stream isn't writeable|Connection is closed|Command timed out|Cluster is|Cluster isn't|CLUSTERDOWN|Too many Cluster redirections|None of startup nodes)/;
const GONE_BY_NAME: readonly string[] = ["MaxRetriesPerRequestError", "ClusterAllFailedError"];

/** Whether an error of a command says that Redis could not be reached. */
export const isRedisAway = (error: unknown): boolean =>
  error instanceof Error && (GONE_BY_NAME.includes(error.name) || GONE.test(error.message));
