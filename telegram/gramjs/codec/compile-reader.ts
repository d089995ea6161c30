import type { Definition, Field } from "./schema.ts";
import type { Reader, TlCursor } from "./tl-cursor.ts";

/** How a value of a TL type is read: by which method of {@link TlCursor}, and how many bytes it always has. */
const BASIC: Readonly<Record<string, { readonly read: keyof typeof READ; readonly size?: number }>> = {
  "#": { read: "int", size: 4 },
  int: { read: "int", size: 4 },
  long: { read: "long", size: 8 },
  double: { read: "double", size: 8 },
  Bool: { read: "bool", size: 4 },
  string: { read: "string" },
  bytes: { read: "bytes" },
};

/** `Message`, `messages.Messages`: what begins with its constructor's id. */
const BOXED = /(?:^|\.)[A-Z]\w*$/;

const READ = {
  int: (from: TlCursor) => from.int(),
  long: (from: TlCursor) => from.long(),
  double: (from: TlCursor) => from.double(),
  bool: (from: TlCursor) => from.bool(),
  string: (from: TlCursor) => from.string(),
  bytes: (from: TlCursor) => from.bytes(),
  object: (from: TlCursor) => from.object(),
};

const SKIP = {
  string: (from: TlCursor) => from.skipString(),
  object: (from: TlCursor) => from.skipObject(),
};

/**
 * Compiles a reader of one constructor: it makes an object of `className` and the fields in `kept`, absent ones null, and
 * passes over the rest. Without `kept` it passes over all of it.
 *
 * It is compiled from text, so that an object is made at once, and all of one constructor have one shape. That text is made of GramJS's schema alone, never of what comes over the wire.
 */
export function compileReader(definition: Definition, kept: ReadonlySet<string> | null): Reader {
  const lines: string[] = [];
  const made = [`className: ${JSON.stringify(definition.className)}`];
  for (const field of definition.fields) {
    const { name, type, bit } = field;
    if (!/^[a-z]\w*$/i.test(name)) throw new Error(`${name} is no name of a field`);
    if (type !== "true" && !BASIC[type] && !BOXED.test(type)) throw new Error(`no way to read a ${type}`);
    const isKept = kept?.has(name) ?? false;
    const present = bit && `(_${bit.flags} & ${1 << bit.index}) !== 0`;
    if (type === "true") {
      if (isKept) made.push(`${name}: ${present ?? "true"}`);
    } else if (isKept || type === "#") {
      lines.push(`const _${name} = ${present ? `${present} ? ${readOf(field)} : null` : readOf(field)};`);
      if (isKept) made.push(`${name}: _${name}`);
    } else {
      lines.push(`${present ? `if (${present}) ` : ""}${skipOf(field)};`);
    }
  }
  if (kept) lines.push(`return { ${made.join(", ")} };`);
  const make = new Function("read", "skip", `"use strict"; return (from) => {\n${lines.join("\n")}\n};`);
  return make(READ, SKIP) as Reader;
}

function readOf({ type, vector }: Field): string {
  const method = BASIC[type]?.read ?? "object";
  return vector ? `from.vector(read.${method})` : `from.${method}()`;
}

function skipOf({ type, vector }: Field): string {
  const basic = BASIC[type];
  if (basic?.size) return vector ? `from.skipVector(${basic.size})` : `from.skip(${basic.size})`;
  const what = basic ? "string" : "object";
  return vector ? `from.skipEach(skip.${what})` : `from.skip${basic ? "String" : "Object"}()`;
}
