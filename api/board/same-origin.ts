import type { FastifyRequest } from "fastify";

/**
 * Whether a request that changes something comes from a page of ours, by what browsers say and no page can: first
 * Sec-Fetch-Site, and where there is none Origin against Host. Whoever says neither is refused as well.
 */
export function isSameOrigin({ headers, host }: Pick<FastifyRequest, "headers" | "host">): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  const { origin } = headers;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

/** Whether the browser itself has this page by plain http, and not from its own machine: a password would be read on the way. */
export function isInClear({ headers }: Pick<FastifyRequest, "headers">): boolean {
  const { origin } = headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return protocol === "http:" && !isLoopbackName(hostname);
}

export const isLoopbackName = (hostname: string): boolean =>
  /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/i.test(hostname);
