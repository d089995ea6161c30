import { isIP } from "node:net";
import { z } from "zod";
import { readRedisAddress } from "../runtime/redis-address.ts";

/** One environment variable: its schema (with the default), one sentence for `.env.example`, and whether it is secret. */
export interface Variable<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  readonly says: string;
  readonly example?: string;
}

export const variable = <S extends z.ZodType>(schema: S, says: string, example?: string): Variable<S> =>
  example === undefined ? { schema, says } : { schema, says, example };

/** An empty value counts as not set, as shells and compose files leave it. */
export const optional = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (value === "" ? undefined : value), schema.optional());
export const withDefault = <S extends z.ZodType>(schema: S, value: z.input<S>) =>
  z.preprocess((given) => (given === undefined || given === "" ? value : given), schema);

export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });
export const count = (what: string) =>
  z.coerce
    .number({ error: `must be ${what}` })
    .int(`must be ${what}`)
    .positive(`must be ${what}`);
export const apiId = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, "must be a whole number above 0")
  .transform(Number)
  .refine((id) => id <= 0x7fffffff, "must fit 31 bits");
export const list = <S extends z.ZodType<unknown, string>>(item: S) =>
  z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(item));
export const url = (...protocols: string[]) =>
  z.string().refine((text) => protocols.some((protocol) => text.startsWith(`${protocol}:`)), {
    error: `must begin with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`,
  });

export const redisAddress = z.string().superRefine((text, context) => {
  try {
    readRedisAddress(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "must be a Redis URL" });
  }
});

export const keyring = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{43}=$/, "must be id:base64 of 32 bytes, separated by commas")
        .transform((text) => {
          const colon = text.indexOf(":");
          return { id: text.slice(0, colon), key: Buffer.from(text.slice(colon + 1), "base64") };
        }),
    ),
  );

export const dataCenters = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(
    z.array(
      z
        .string()
        .regex(/^\d{1,3}@.+:\d{1,5}$/, "must be id@host:port, separated by commas")
        .transform((text) => {
          const at = text.indexOf("@");
          const colon = text.lastIndexOf(":");
          return {
            id: Number(text.slice(0, at)),
            host: text.slice(at + 1, colon),
            port: Number(text.slice(colon + 1)),
          };
        }),
    ),
  );

export const failpoint = z
  .string()
  .regex(
    /^(committing|committed|acknowledging)@[1-9]\d{0,8}=(kill|stop)$/,
    "must be name@times=kill or name@times=stop",
  )
  .transform((text) => {
    const [name = "", times = "", action = ""] = text.split(/[@=]/);
    return {
      name: name as "committing" | "committed" | "acknowledging",
      times: Number(times),
      action: action as "kill" | "stop",
    };
  });

export const telegramIds = list(z.string().regex(/^[1-9]\d{0,15}$/, "must be Telegram ids, separated by commas")).pipe(
  z.array(z.string().transform(BigInt)),
);
export const network = z
  .string()
  .refine(isNetwork, "must be addresses or networks such as 10.0.0.0/8, separated by commas");

function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return (
    longest > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  );
}

/** OpenTelemetry's own names: https://opentelemetry.io/docs/languages/sdk-configuration/general/ */
export const SAMPLERS = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;

/** name=value separated by commas, the values percent-encoded: OpenTelemetry's way to write several into a variable. */
export const namedValues = z.string().transform((text, context) => {
  const values: Record<string, string> = {};
  for (const part of text.split(",").filter((each) => each.trim() !== "")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(0, equals)).trim();
    const value = decoded(part.slice(equals + 1).trim());
    if (name === "" || value === null) {
      context.addIssue("must be name=value, separated by commas, the values percent-encoded");
      return z.NEVER;
    }
    values[name] = value;
  }
  return values;
});

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
