import type { AppDeps } from "../app.ts";
import type { InitDataTrust } from "../proof/init-data.ts";

/** What routes work with. */
export interface RouteDeps extends Omit<AppDeps, "more"> {
  readonly trust: InitDataTrust;
}
