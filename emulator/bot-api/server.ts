import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Log } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Bot } from "./bot.ts";
import { BotApiError, badRequest, notImplemented } from "./bot-api-error.ts";
import { METHODS } from "./methods.ts";

const HOST = "127.0.0.1";
const LONGEST_BODY = 1_000_000;

/** What a test may do to calls. */
export interface BotApiFaults {
  /** Waited for before a call is carried out; what it throws is what the bot is answered. */
  before?: (method: string) => Promise<void> | void;
}

export interface BotApiServer {
  /** What `apiRoot` is to be: `http://127.0.0.1:1234`. */
  readonly root: string;
  close(): Promise<void>;
}

/**
 * Serves the Bot API of these bots over HTTP on loopback: `/bot<token>/<method>`. What is not served is answered 501, and
 * logged as an error.
 *
 * @param options.port 0 takes a free one
 * @throws OperatorError where the port is taken
 */
export async function serveBotApi(options: {
  readonly bots: readonly Bot[];
  readonly port: number;
  readonly faults: BotApiFaults;
  readonly log: Log;
}): Promise<BotApiServer> {
  const { bots, faults, log } = options;
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    try {
      const result = await call(request, gone.signal);
      send(response, 200, { ok: true, result });
    } catch (error) {
      const refusal = error instanceof BotApiError ? error : new BotApiError(500, "Internal Server Error");
      if (refusal.code >= 500) log.error({ err: error, path: pathOf(request).method }, "Bot API call not served");
      send(response, refusal.code, {
        ...{ ok: false, error_code: refusal.code, description: refusal.message },
        ...(refusal.retryAfter === null ? {} : { parameters: { retry_after: refusal.retryAfter } }),
      });
    }
  }

  async function call(request: IncomingMessage, signal: AbortSignal): Promise<unknown> {
    const { token, method, query } = pathOf(request);
    const bot = bots.find(({ account }) => account.token === token);
    if (!bot) throw new BotApiError(401, "Unauthorized");
    const serve = METHODS.get(method.toLowerCase());
    if (!serve) throw notImplemented(method);
    const given = { ...query, ...(await bodyOf(request)) };
    await faults.before?.(method);
    // Whoever is gone by now is answered nothing, and has had nothing done.
    if (signal.aborted) return null;
    return serve(bot, given, signal);
  }

  await listen(server, options.port);
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : options.port;
  return {
    root: `http://${HOST}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pathOf(request: IncomingMessage): { token: string; method: string; query: Record<string, string> } {
  const url = new URL(request.url ?? "/", "http://bot");
  const [, token = "", method = ""] = /^\/bot([^/]+)\/([A-Za-z]+)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  return { token, method, query: Object.fromEntries(url.searchParams) };
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LONGEST_BODY) throw new BotApiError(413, "Request Entity Too Large");
    chunks.push(chunk as Buffer);
  }
  const body = Buffer.concat(chunks).toString("utf8");
  if (body === "") return {};
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("application/json")) throw notImplemented(`bodies of type ${type}`);
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Told as any other body that is no object.
  }
  throw badRequest("can't parse the request: a JSON object is expected");
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new OperatorError(`the port ${port} is taken: choose another one for the Bot API`, { cause: error })),
    );
    server.listen(port, HOST, () => resolve());
  });
}
