import type { IncomingMessage } from "node:http";
import { isLoopbackName } from "./same-origin.ts";

const LOOPBACK = /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/;
/** What proxies add, of whatever make. */
const BY_PROXY =
  /^(x-forwarded|x-original-|x-envoy-|x-proxy|cf-|fly-|forwarded$|via$|true-client-ip$|x-(real|client|cluster-client)-ip$)/;

/**
 * Whether somebody at this machine asks, and no proxy on it for somebody else: from a loopback address, to a loopback
 * name (any other may be a foreign site's, made to point here), without what proxies add, and not by HTTP/1.0, which
 * nginx speaks where it is told nothing.
 */
export function isAtThisMachine({ socket, headers, httpVersion }: IncomingMessage): boolean {
  const hostname = URL.canParse(`http://${headers.host}`) ? new URL(`http://${headers.host}`).hostname : "";
  return (
    LOOPBACK.test(socket.remoteAddress ?? "") &&
    isLoopbackName(hostname) &&
    !Object.keys(headers).some((name) => BY_PROXY.test(name)) &&
    httpVersion !== "1.0"
  );
}
