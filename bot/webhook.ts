import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { Update } from "grammy/types";
import { z } from "zod";
import type { Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { Dispatcher } from "./dispatcher.ts";

export interface WebhookServer {
  readonly port: number;
  close(): Promise<void>;
}

const LONGEST_BODY = 1_000_000;
/** What is looked at before an update is taken; the rest is Telegram's word, since the secret came with it. */
const updateSchema = z.looseObject({ update_id: z.number().int() });

/**
 * Takes the updates that Telegram brings. Whoever does not show the secret is refused before a byte of the body is read.
 * An update that could not be taken is answered 503: Telegram brings it again.
 *
 * @throws OperatorError where the port is taken
 */
export async function startWebhookServer(options: {
  readonly host: string;
  readonly port: number;
  /** Of the address that Telegram was given. */
  readonly path: string;
  readonly secret: string;
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly log: Log;
}): Promise<WebhookServer> {
  const { host, port, log } = options;
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000 },
    (request, response) =>
      void statusFor(request).then(
        (status) => response.writeHead(status).end(),
        (error: unknown) => {
          log.warn({ err: error }, "update not taken");
          response.writeHead(503).end();
        },
      ),
  );

  async function statusFor(request: IncomingMessage): Promise<number> {
    if (request.method !== "POST" || request.url?.split("?")[0] !== options.path) return 404;
    if (!isSame(request.headers["x-telegram-bot-api-secret-token"], options.secret)) return 401;
    const body = await bodyOf(request);
    if (body === null) return 413;
    const update = updateSchema.safeParse(parsed(body));
    if (!update.success) return 400;
    await options.dispatcher.dispatch(update.data as unknown as Update);
    return 200;
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new OperatorError(`the bot cannot listen on ${host}:${port}: free it, or set BOT_HOST and BOT_PORT`, {
          cause: error,
        }),
      ),
    );
    server.listen(port, host, () => resolve());
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** In constant time, whatever its length. */
function isSame(given: string | string[] | undefined, secret: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return typeof given === "string" && timingSafeEqual(hash(given), hash(secret));
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
