import { type DestinationStream, type Logger, pino } from "pino";

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
 */
export function createLog(options: { level: string; name: string; destination?: DestinationStream }): Log {
  return pino(
    {
      level: options.level,
      base: { process: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      redact: { paths: redactPaths, censor: "[redacted]" },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}

/**
 * What a log line says of an error. Nothing else that hangs on it: libraries attach their clients to errors, with
 * addresses, parameters and keys. `reason` is its code (ECONNREFUSED, 57P01); a field named code would be a login's.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
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
