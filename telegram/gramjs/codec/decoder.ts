import { compileReader } from "./compile-reader.ts";
import { isDecodedAnswer, keptFields } from "./kept-fields.ts";
import type { Definition, Schema } from "./schema.ts";
import { type Reader, TlCursor } from "./tl-cursor.ts";

const VECTOR = 0x1cb5c415;
const MESSAGES = new Set(["Message", "MessageService", "MessageEmpty"]);

/** What is decoded for us instead of by GramJS. */
export interface Decoder {
  /** Whether an answer is of those whose mappings read what is kept, and nothing else. */
  knows(answer: Buffer): boolean;
  /**
   * @throws TypeNotFoundError where the layer does not know a part of it, whether that part is kept or passed over;
   * RangeError where it is cut short or makes no sense
   */
  decode(answer: Buffer): unknown;
}

/** Compiles a reader for each constructor when it is first met; `kept` says which fields of it are read. */
export function createDecoder(
  schema: Schema,
  kept: (definition: Definition) => ReadonlySet<string> = keptFields,
): Decoder {
  const readers = {
    read: lookingUp(schema, (definition) => readerOf(definition, kept(definition))),
    skip: lookingUp(schema, (definition) => compileReader(definition, null)),
  };
  const answers = new Map<number, boolean>();
  const isAnswer = (id: number): boolean => {
    const known = answers.get(id);
    if (known !== undefined) return known;
    const is = isDecodedAnswer(schema.constructorOf(id)?.className ?? "");
    // Others could be any number of numbers.
    if (is) answers.set(id, is);
    return is;
  };
  return {
    knows(answer) {
      if (answer.length < 4) return false;
      const id = answer.readUInt32LE(0);
      return id === VECTOR ? answer.length >= 12 && isAnswer(answer.readUInt32LE(8)) : isAnswer(id);
    },
    decode: (answer) => new TlCursor(answer, readers).object(),
  };
}

function lookingUp(schema: Schema, compile: (definition: Definition) => Reader): (id: number) => Reader | undefined {
  const known = new Map<number, Reader>();
  return (id) => {
    const reader = known.get(id);
    if (reader) return reader;
    const definition = schema.constructorOf(id >>> 0);
    if (!definition) return undefined;
    const compiled = compile(definition);
    known.set(id, compiled);
    return compiled;
  };
}

function readerOf(definition: Definition, kept: ReadonlySet<string>): Reader {
  const read = compileReader(definition, kept);
  if (!MESSAGES.has(definition.className)) return read;
  return (from) => {
    const message = read(from) as { readonly id: number };
    // As GramJS does: no message has it, and no row may.
    if (message.id === 0) throw new RangeError("a message without an id");
    return message;
  };
}
