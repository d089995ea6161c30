import type { Dashboard } from "./model.ts";
import { apiIds } from "./subjects/api-ids.ts";
import { completeness } from "./subjects/completeness.ts";
import { overview } from "./subjects/overview.ts";
import { queues } from "./subjects/queues.ts";
import { sessions } from "./subjects/sessions.ts";
import { storage } from "./subjects/storage.ts";

/** Every dashboard, by the name of its file in `dashboards/`: `npx vitest run dashboards -u` writes them. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  overview,
  "api-ids": apiIds,
  sessions,
  queues,
  completeness,
  storage,
};
