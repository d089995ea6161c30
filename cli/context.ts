import type { Config } from "../config/load.ts";
import type { Database, TenantTx } from "../db/database.ts";
import { assertSchema } from "../db/migrate.ts";
import { hasTenant } from "../db/tenants.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { dataDirOf, type Needs } from "./environment.ts";
import { createOutput, type Output } from "./output.ts";
import { ownServices } from "./own-services.ts";

/** What every command understands. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly verbose?: boolean;
  /** Whose it is about; `default` where a command does not ask, or is not told. */
  readonly tenantId?: string;
}

/** Runs `work` for the tenant that the command is about. */
export type InTenant = <T>(work: (tx: TenantTx) => Promise<T>) => Promise<T>;

/** What a command works with; closed when it ends, however it ends. */
export interface CommandContext {
  readonly out: Output;
  readonly log: Log;
  readonly config: Config;
  readonly database: Database;
  readonly tenantId: string;
  readonly inTenant: InTenant;
  readonly lifecycle: Lifecycle;
}

/** The tenant that is there from the beginning. */
export const DEFAULT_TENANT = "default";

/**
 * Runs `work` with configuration, services (the embedded ones where nothing is configured, started for as long as the
 * command runs) and a database whose schema is ours; releases all of it.
 *
 * @param exits.interrupted the exit code after Ctrl-C or SIGTERM
 */
export async function withContext<T>(
  options: CommonOptions,
  needs: Needs,
  work: (context: CommandContext) => Promise<T>,
  exits: { readonly interrupted: number } = { interrupted: 130 },
): Promise<T> {
  const out = createOutput({ json: options.json ?? false });
  const log = createLog({ level: options.verbose ? "debug" : "warn", name: "cli" });
  const lifecycle = new Lifecycle(log);
  const interrupted = () => {
    void lifecycle.close().then(() => process.exit(exits.interrupted));
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    const { config, database } = await ownServices(lifecycle, {
      ...{ dataDir: dataDirOf(options), needs: ["database", ...needs], poolSize: 4, log },
    });
    await assertSchema(database);
    const { tenantId = DEFAULT_TENANT } = options;
    const inTenant: InTenant = (each) => database.inTenant(tenantId, each);
    if (!(await inTenant((tx) => hasTenant(tx, tenantId))))
      throw new OperatorError(`there is no tenant ${JSON.stringify(tenantId)}: see gramfleet tenants list`);
    return await work({ out, log, config, database, tenantId, inTenant, lifecycle });
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
    await lifecycle.close();
  }
}
