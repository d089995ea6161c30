import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type {
  AppControllerRoute,
  AppViewRoute,
  BullBoardQueues,
  IServerAdapter,
  UIConfig,
} from "@bull-board/api/typings/app";
import type { Queue } from "bullmq";
import type { BoardRole } from "../../config/admin-users.ts";

/** One of Bull Board's routes: a method and an address below the board's. */
export interface BoardRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly url: string;
  readonly handler: AppControllerRoute["handler"];
}

/** Bull Board without a server of its own. */
export interface BullBoard {
  /** What its page asks, and has done. */
  readonly routes: readonly BoardRoute[];
  /** Where its page is shown. */
  readonly pages: readonly string[];
  /** The folder with its page and what that loads. */
  readonly uiFolder: string;
  readonly uiConfig: UIConfig;
  /** These queues as somebody may use them. */
  queuesFor(role: BoardRole, queues: readonly Queue[]): BullBoardQueues;
}

/** Bull Board's types do not know the second one. */
const FOR_ADMINS = { allowRetries: true, allowCompletedRetries: false };

/** Its own adapter for Fastify says of no route who may call it, tells errors as they are, and its page asks for fonts elsewhere. */
export function createBoard(): BullBoard {
  const uiFolder = findUi();
  const parts = collectParts();
  createBullBoard({
    queues: [],
    serverAdapter: parts.adapter,
    options: {
      // It would look for its own folder, which a build has not.
      uiBasePath: uiFolder,
      uiConfig: { boardTitle: "gramfleet", hideDocsLink: true },
    },
  });
  const adapters = new WeakMap<Queue, Readonly<Record<BoardRole, BullMQAdapter>>>();
  const adapterOf = (role: BoardRole, queue: Queue): BullMQAdapter => {
    const known = adapters.get(queue) ?? {
      viewer: new BullMQAdapter(queue, { readOnlyMode: true }),
      admin: new BullMQAdapter(queue, FOR_ADMINS),
    };
    adapters.set(queue, known);
    return known[role];
  };
  return {
    ...{ routes: parts.routes, pages: parts.pages, uiFolder, uiConfig: parts.uiConfig() },
    queuesFor: (role, queues) => new Map(queues.map((queue) => [queue.name, adapterOf(role, queue)])),
  };
}

/** Of the build where this runs built, as in `api/miniapp/assets`; else where it is installed. */
function findUi(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith(".js")) return join(dirname(here), "../web/board");
  return join(dirname(createRequire(here).resolve("@bull-board/ui/package.json")), "dist");
}

/** What Bull Board tells a server, kept. */
function collectParts() {
  const routes: BoardRoute[] = [];
  const pages: string[] = [];
  let uiConfig: UIConfig = {};
  const adapter: IServerAdapter = {
    setQueues: () => adapter,
    setViewsPath: () => adapter,
    setStaticPath: () => adapter,
    setErrorHandler: () => adapter,
    setEntryRoute({ route }: AppViewRoute) {
      pages.push(...[route].flat());
      return adapter;
    },
    setApiRoutes(given: AppControllerRoute[]) {
      for (const { method, route, handler } of given)
        for (const url of [route].flat())
          for (const one of [method].flat())
            routes.push({ method: one.toUpperCase() as BoardRoute["method"], url, handler });
      return adapter;
    },
    setUIConfig(given: UIConfig) {
      uiConfig = given;
      return adapter;
    },
  };
  return { adapter, routes, pages, uiConfig: () => uiConfig };
}
