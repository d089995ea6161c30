import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from "fastify";
import { ApiError } from "./errors.ts";

/** A tenant's own program, by its token. */
export interface Client {
  readonly kind: "client";
  readonly tenantId: string;
  readonly tokenId: bigint;
}

/** A user, by the cookie of a web login or by a Mini App's initData. */
export interface Person {
  readonly kind: "person";
  readonly tenantId: string;
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly admin: boolean;
  /** The web login; null by initData and by a token of the earlier system. */
  readonly webSessionId: bigint | null;
}

export type Caller = Client | Person;

/**
 * Who may call a route. `anyone`: no credentials are looked at. `signature`: the request is signed, and the route itself
 * checks that. `board-viewer` and `board-admin`: whoever is signed in at the queues' board, which `board/guard` checks.
 * Else one of those listed: a tenant's program, a user, a user who is an admin.
 */
export type Access = CheckedElsewhere | readonly ("client" | "person" | "admin")[];
type CheckedElsewhere = "anyone" | "signature" | "board-viewer" | "board-admin";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyInstance {
    /** Who may call what, by method and address: `GET /api/me`. */
    accessOf: ReadonlyMap<string, Access>;
  }
}

/** Finds out who calls; null where no credentials came. @throws ApiError 401 where they are good for nothing */
export type FindCaller = (request: FastifyRequest) => Promise<Caller | null>;

/**
 * Every route registered from here on must say who may call it, and is kept to that. One that does not say is not
 * registered: the api does not start.
 */
export function requireAccess(app: FastifyInstance, findCaller: FindCaller): void {
  app.decorateRequest("caller", null);
  const declared = new Map<string, Access>();
  app.decorate("accessOf", declared);
  app.addHook("onRoute", (route) => {
    const access = route.config?.access;
    if (access === undefined || (Array.isArray(access) && access.length === 0))
      throw new Error(`${String(route.method)} ${route.url} does not say who may call it`);
    for (const method of [route.method].flat()) declared.set(`${method} ${route.url}`, access);
    if (isCheckedElsewhere(access)) return;
    const guard: onRequestHookHandler = async (request) => {
      const caller = await findCaller(request);
      if (!caller) throw unauthenticated();
      if (!admits(access, caller)) throw new ApiError(403, "forbidden", "this is not for whoever you are logged in as");
      request.caller = caller;
    };
    // After the rate limit, which stands there already.
    route.onRequest = [...[route.onRequest ?? []].flat(), guard];
  });
}

export const unauthenticated = (message = "log in first"): ApiError =>
  new ApiError(401, "unauthenticated", message, { "www-authenticate": "Bearer" });

/** Whether callers are found out by the route itself, or not at all. */
export const isCheckedElsewhere = (access: Access): access is CheckedElsewhere => typeof access === "string";

function admits(access: readonly string[], caller: Caller): boolean {
  return access.includes(caller.kind) || (caller.kind === "person" && caller.admin && access.includes("admin"));
}

/** The user who calls a route for persons. */
export function personOf(request: FastifyRequest): Person {
  if (request.caller?.kind !== "person") throw unauthenticated();
  return request.caller;
}

/** The tenant in whose name a client or person calls. */
export function tenantOf(request: FastifyRequest): string {
  if (!request.caller) throw unauthenticated();
  return request.caller.tenantId;
}
