import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { z } from "zod";

/** What every error of the API looks like. */
export const errorBody = z
  .object({
    error: z.object({
      code: z.string().describe("For programs: stays as it is."),
      message: z.string().describe("For people."),
    }),
  })
  .describe("What went wrong.");
export type ErrorBody = z.output<typeof errorBody>;

/** An answer that is no success: its status, a code for programs, a sentence for people. Nothing secret in either. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  get body(): ErrorBody {
    return { error: { code: this.code, message: this.message } };
  }
}

export const tooManyRequests = (
  retryAfterSeconds: number,
  message = "too many requests: wait and try again",
): ApiError =>
  new ApiError(429, "too_many_requests", message, { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds))) });

/** What Fastify refuses by itself, by its own codes. Its messages would tell what was sent. */
const REFUSED: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, "too_large", "the body is larger than this takes"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, "unsupported_media_type", "the body must be application/json"],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, "invalid_json", "the body is empty"],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, "invalid_json", "the body is no JSON"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, "invalid_request", "the body is not as long as it says"],
  FST_ERR_BAD_URL: [400, "invalid_request", "the address is malformed"],
  FST_ERR_MAX_PARAM_LENGTH: [414, "invalid_request", "the address is too long"],
};

/** PostgreSQL or Redis away, by the words of `pg`, the network and ioredis. */
const AWAY = /^(ECONN\w+|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|57P0[1-3]|53300|08\w{3})$/;
const AWAY_WORDS =
  /timeout exceeded when trying to connect|Connection terminated|DeadlinePassed|Stream isn't writeable/i;

/** The answer to an error, whatever it is; null where it is a mistake of ours, of which nothing is told. */
export function answerTo(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const { validationContext: where = "request", validation } = error;
    const said = validation.map(({ instancePath, keyword, message }) => {
      const path = `${where}${instancePath.replaceAll("/", ".").replace(/\.$/, "")}`;
      // Zod names what does not belong there, and that may be a secret in the wrong place.
      return keyword === "unrecognized_keys" ? `${path} has a field that is not known` : `${path}: ${message}`;
    });
    return new ApiError(400, "invalid_request", [...new Set(said)].slice(0, 10).join("; "));
  }
  if (!(error instanceof Error)) return null;
  const code = "code" in error ? String(error.code) : "";
  const refused = REFUSED[code];
  if (refused) return new ApiError(...refused);
  if (AWAY.test(code) || AWAY_WORDS.test(`${error.name} ${error.message}`))
    return new ApiError(503, "unavailable", "a service it needs does not answer: try again", { "retry-after": "5" });
  const status = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;
  return status >= 400 && status < 500
    ? new ApiError(status, "invalid_request", "the request is not understood")
    : null;
}

export const INTERNAL: ErrorBody = {
  error: { code: "internal", message: "this went wrong here, not with you: it is in our log" },
};

/** The schemas of a route's answers: its own, and the error that any of them may be. */
export function answers<const S extends Readonly<Record<number, z.ZodType>>>(
  own: S,
): S & { readonly "4xx": typeof errorBody; readonly "5xx": typeof errorBody } {
  return { ...own, "4xx": errorBody, "5xx": errorBody };
}
