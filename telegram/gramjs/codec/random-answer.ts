import bigInt from "big-integer";
import { Api } from "telegram/tl/api.js";
import type { Definition, Field, Schema } from "./schema.ts";

/** From 0 up to 1. */
export type Random = () => number;

interface GramJsObject {
  getBytes(): Buffer;
}
interface GramJsClass {
  readonly CONSTRUCTOR_ID: number;
  new (args: Record<string, unknown>): GramJsObject;
}

/** As strings come: empty, in two scripts, one with its length in one byte and one with it in three. */
const STRINGS = ["", "plain", "Привет 👋", "x".repeat(253), "y".repeat(254)];
/** A list's items at most. */
const ITEMS = 3;

/**
 * A random object of a constructor (`messages.Messages`) as GramJS writes it, of whatever the layer has for it. After so
 * many objects, and at so many levels, what may be left out is.
 */
export function randomAnswer(
  schema: Schema,
  className: string,
  size: { readonly objects: number; readonly levels: number },
  random: Random = Math.random,
): Buffer {
  let left = size.objects;

  const object = ({ className: name, fields }: Definition, level: number): GramJsObject => {
    left -= 1;
    const args: Record<string, unknown> = {};
    /** Fields may share a bit: they are there together. */
    const bits = new Map<string, boolean>();
    for (const field of fields) {
      const bit = field.bit ? `${field.bit.flags}.${field.bit.index}` : "always";
      const present = bits.get(bit) ?? (!field.bit || (mayGrow(level) && random() < 0.5));
      bits.set(bit, present);
      if (present && field.type !== "#") args[field.name] = valueOfField(field, level + 1);
    }
    return new (classOf(name))(args);
  };

  const mayGrow = (level: number) => left > 0 && level < size.levels;
  const below = (limit: number) => Math.floor(random() * limit);

  const valueOfField = ({ type, vector }: Field, level: number): unknown => {
    if (!vector) return valueOfType(type, level);
    return Array.from({ length: mayGrow(level) ? below(ITEMS + 1) : 0 }, () => valueOfType(type, level));
  };

  const valueOfType = (type: string, level: number): unknown => {
    const basic = BASIC[type];
    if (basic) return basic(below);
    const ids = schema.idsOf(type);
    const chosen = mayGrow(level) ? schema.constructorOf(ids[below(ids.length)] ?? 0) : plainest(schema, ids);
    if (!chosen) throw new Error(`nothing is of type ${type}`);
    return object(chosen, level);
  };

  const root = schema.constructorOf(classOf(className).CONSTRUCTOR_ID);
  if (!root) throw new Error(`no ${className} in the schema`);
  return object(root, 0).getBytes();
}

const BASIC: Readonly<Record<string, (below: (limit: number) => number) => unknown>> = {
  true: () => true,
  Bool: (below) => below(2) === 1,
  // GramJS takes no message with id 0.
  int: (below) => below(2 ** 32) - 2 ** 31 || 1,
  long: (below) =>
    bigInt(below(2 ** 32))
      .shiftLeft(32)
      .or(below(2 ** 32))
      .minus(bigInt(1).shiftLeft(63)),
  double: (below) => (below(1_000_000) - 500_000) / 7,
  string: (below) => STRINGS[below(STRINGS.length)],
  bytes: (below) => Buffer.from(Array.from({ length: below(9) }, () => below(256))),
};

/** The constructor that needs the fewest others within it. */
function plainest(schema: Schema, ids: readonly number[]): Definition | undefined {
  let least = Number.POSITIVE_INFINITY;
  let found: Definition | undefined;
  for (const id of ids) {
    const definition = schema.constructorOf(id);
    const needs = definition?.fields.filter(
      ({ type, bit, vector }) => !bit && !vector && type !== "#" && !(type in BASIC),
    ).length;
    if (needs !== undefined && needs < least) [least, found] = [needs, definition];
    if (needs === 0) break;
  }
  return found;
}

function classOf(className: string): GramJsClass {
  let found: unknown = Api;
  for (const name of className.split(".")) found = (found as Record<string, unknown>)[name];
  return found as GramJsClass;
}
