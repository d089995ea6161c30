import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "../http/errors.ts";
import type { Operator, Operators } from "./operators.ts";
import { isSameOrigin } from "./same-origin.ts";

declare module "fastify" {
  interface FastifyRequest {
    operator: Operator | null;
  }
  interface FastifyContextConfig {
    /** What is shown to people: where they have to sign in they are taken there, and errors are pages. */
    page?: boolean;
  }
}

/** Somebody has to sign in for this. */
export const SIGN_IN_FIRST = new ApiError(401, "unauthenticated", "sign in first: load the page again");

/** Keeps every route registered from here on to whom it says may call it, and what changes anything to our own pages. */
export function guardBoard(app: FastifyInstance, operators: Operators): void {
  app.decorateRequest("operator", null);
  // After the rate limit, before a body is read.
  app.addHook("preParsing", async (request) => {
    const { access } = request.routeOptions.config;
    if (request.method !== "GET" && !isSameOrigin(request))
      throw new ApiError(403, "cross_site", "this was not asked for by a page of this board");
    if (access === "anyone") return;
    const operator = await operators.find(request);
    if (!operator) throw SIGN_IN_FIRST;
    if (access !== "board-viewer" && operator.role !== "admin")
      throw new ApiError(403, "read_only", "You may look, and change nothing: that is for admins");
    request.operator = operator;
  });
}

/** Whoever calls a route for operators. */
export function operatorOf({ operator }: FastifyRequest): Operator {
  if (!operator) throw SIGN_IN_FIRST;
  return operator;
}
