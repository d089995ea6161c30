import { z } from "zod";

/*
 * TL's bare types as they stand in dictionaries (Telethon's `to_dict` as JSON). What is not set is null there, or left
 * out; both read as null.
 */

/** A field that may be missing or null. */
export const optional = <S extends z.ZodType>(schema: S) => schema.nullish().transform((value) => value ?? null);
/** `flags.N?true`. */
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

const INT_MAX = 0x7fffffff;
/** A signed 32-bit number. */
export const int = z
  .number({ error: "must be a whole number of 32 bits" })
  .int("must be a whole number of 32 bits")
  .min(-INT_MAX - 1, "must be a whole number of 32 bits")
  .max(INT_MAX, "must be a whole number of 32 bits");

const LONG_MAX = 2n ** 63n;
/** A signed 64-bit number: bare, or as a decimal string where a writer could not say it otherwise. */
export const long = z
  .union([z.int(), z.bigint(), z.string().regex(/^-?\d{1,19}$/)], { error: "must be a whole number of 64 bits" })
  .transform(BigInt)
  .refine((value) => value >= -LONG_MAX && value < LONG_MAX, "must fit 64 bits");
/** A 64-bit number as the decimal string that we keep. */
export const longText = long.transform(String);

/** Bare ids of people and chats, without the -100 of the Bot API: 52 bits at most (core.telegram.org/api/bots/ids). */
export const peerId = z
  .number({ error: "must be a whole number below 2^53" })
  .int("must be a whole number below 2^53")
  .min(1, "must be 1 or more");

const ISO_DATE = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$/;
/** A moment as `datetime` writes it, `2022-08-13T11:00:32+00:00`; without a zone it is UTC. Seconds since 1970 do too. */
export const date = z
  .union([z.string(), z.number()], { error: "must be a date such as 2022-08-13T11:00:32+00:00" })
  .transform((value) => (typeof value === "number" ? value : secondsOf(value)))
  .refine((seconds) => Number.isInteger(seconds) && seconds >= 0 && seconds <= INT_MAX, {
    error: "must be a date such as 2022-08-13T11:00:32+00:00",
  })
  .transform((seconds) => new Date(seconds * 1000));

function secondsOf(text: string): number {
  const [, day, time, zone = "Z"] = ISO_DATE.exec(text) ?? [];
  return day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`) / 1000;
}

/** How long `bytes` are: an array of integers, or base64. */
export const byteLength = z
  .union([z.array(z.number()), z.string()], { error: "must be bytes" })
  .transform((bytes) => (typeof bytes === "string" ? Buffer.from(bytes, "base64").length : bytes.length));

/** A constructor that is none of those asked for: its name is all that is taken. */
export interface Unknown {
  readonly _: "";
  readonly constructorName: string;
}

const named = z.looseObject({ _: z.string({ error: "must name a constructor" }) }, { error: "must be a dictionary" });

/**
 * One of these oneOf, told by `_`. Any other, of a newer layer perhaps, reads as `Unknown`: that is no error.
 */
export function oneOf<S extends readonly z.ZodObject<{ _: z.ZodLiteral<string> }>[]>(...known: S) {
  const byName = new Map(known.map((schema) => [schema.shape._.value, schema]));
  return named.transform((value, context): z.output<S[number]> | Unknown => {
    const schema = byName.get(value._);
    if (!schema) return { _: "", constructorName: value._ };
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data as z.output<S[number]>;
    for (const { path, message } of parsed.error.issues) context.addIssue({ code: "custom", path: [...path], message });
    return z.NEVER;
  });
}
/** A constructor and its fields; fields that are not named are let pass. */
export const dictionary = <const N extends string, S extends z.ZodRawShape>(name: N, fields: S) =>
  z.looseObject({ _: z.literal(name), ...fields });

/** `MessageActionChatEditPhoto` without `MessageAction` is `chat_edit_photo`. */
export function snakeCased(name: string, prefix: string): string {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return bare.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
