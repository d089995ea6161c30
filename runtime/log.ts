import cluster from "node:cluster";
import { type DestinationStream, type Logger, pino } from "pino";
import { traceFields } from "./tracing/span.ts";

export type Log = Logger;

/** Field names whose values never reach a log line, at whatever depth of the first three levels they stand. */
const SECRET_FIELDS = [
  "session",
  "sessionString",
  "string",
  "authKey",
  "auth_key",
  "password",
  "code",
  "phoneCode",
  "phone_code",
  "phoneCodeHash",
  "apiHash",
  "api_hash",
  "appHash",
  "app_hash",
  "token",
  "auth_token",
  "authorization",
  "cookie",
  "initData",
  "init_data",
  "invite",
  "ciphertext",
  "key",
  "secret",
];

const redactPaths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/**
 * A process's logger: JSON lines, UTC, secrets redacted by field name.
 * `destination` defaults to standard error, so that standard output stays a command's own.
 *
 * @param options.traced whether lines say which trace they belong to
 */
export function createLog(options: {
  level: string;
  name: string;
  traced?: boolean;
  destination?: DestinationStream;
}): Log {
  return pino(
    {
      level: options.level,
      base: { process: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error) => (error instanceof Error ? describeError(error) : String(error)) },
      redact: { paths: redactPaths, censor: "[redacted]" },
      ...(options.traced ? { mixin: traceFields } : {}),
    },
    options.destination ?? standardError(),
  );
}

/** In pm2's cluster mode the descriptor is that of pm2's daemon, and only the stream leads to the process's own file. */
const standardError = (): DestinationStream =>
  cluster.isWorker ? process.stderr : pino.destination({ fd: 2, sync: true });

/** What is told of an error. */
export interface ErrorWords {
  readonly type: string;
  readonly message: string;
  readonly reason?: string;
  readonly cause?: ErrorWords;
  readonly stack?: string | undefined;
}

/**
 * What a log line, or a trace, says of an error. Nothing else that hangs on it: libraries attach their clients to errors, with
 * addresses, parameters and keys. `reason` is its code (ECONNREFUSED, 57P01); a field named code would be a login's.
 */
export function describeError(error: unknown): ErrorWords {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...("code" in error && typeof error.code === "string" ? { reason: error.code } : {}),
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
    stack: error.stack,
  };
}

/** A logger that says nothing, for tests and for commands that print for themselves. */
export const silentLog: Log = pino({ level: "silent" });
