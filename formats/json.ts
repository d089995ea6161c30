/** What JSON holds, read without loss: an integer beyond ±2^53 is a bigint, every other number a number. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Not JSON, or cut off: where, counted from 1. */
export class JsonError extends Error {
  override name = "JsonError";
  readonly line: number;
  readonly column: number;
  /** Where in the document, `messages[17].id` for example; empty at its top. */
  readonly path: string;

  constructor(problem: string, place: { line: number; column: number; path: string }) {
    super(`${problem} at line ${place.line}, column ${place.column}${place.path ? `, in ${place.path}` : ""}`);
    this.line = place.line;
    this.column = place.column;
    this.path = place.path;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
/** Everything up to the quote, a backslash, or a control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
/** Far above any export's depth, far below the stack's. */
const MAX_DEPTH = 500;

/**
 * Parses JSON (RFC 8259) without rounding: `JSON.parse` turns 9007199254740993 into 9007199254740992 silently.
 * Beyond the RFC it takes `\xHH`, which Telegram Desktop writes for control characters.
 *
 * @throws JsonError
 */
export function parseJson(text: string): JsonValue {
  let at = 0;
  const path: (string | number)[] = [];

  const fail = (problem: string, position = at): never => {
    const before = text.slice(0, position);
    const line = before.split("\n").length;
    const column = position - (before.lastIndexOf("\n") + 1) + 1;
    throw new JsonError(problem, { line, column, path: formatPath(path) });
  };
  const skipSpace = () => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  const unexpected = (): never =>
    fail(at >= text.length ? "ends too early" : `unexpected ${JSON.stringify(text.charAt(at))}`);

  function value(): JsonValue {
    skipSpace();
    switch (text[at]) {
      case "{":
        return object();
      case "[":
        return array();
      case '"':
        return string();
      case "t":
        return word("true", true);
      case "f":
        return word("false", false);
      case "n":
        return word("null", null);
      default:
        return number();
    }
  }

  function word<T>(literal: string, meaning: T): T {
    if (!text.startsWith(literal, at)) return unexpected();
    at += literal.length;
    return meaning;
  }

  function number(): number | bigint {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (!match) return unexpected();
    at = NUMBER.lastIndex;
    const parsed = Number(match[0]);
    const whole = match[1] === undefined && match[2] === undefined;
    return whole && !Number.isSafeInteger(parsed) ? BigInt(match[0]) : parsed;
  }

  function string(): string {
    at += 1;
    let result = "";
    for (;;) {
      PLAIN.lastIndex = at;
      PLAIN.test(text);
      result += text.slice(at, PLAIN.lastIndex);
      at = PLAIN.lastIndex;
      if (text[at] === '"') break;
      if (text[at] !== "\\") return at >= text.length ? unexpected() : fail("control character in a string");
      result += escaped();
    }
    at += 1;
    return result;
  }

  function escaped(): string {
    const letter = text.charAt(at + 1);
    const simple = ESCAPES[letter];
    if (simple !== undefined) {
      at += 2;
      return simple;
    }
    const digits = letter === "u" ? 4 : letter === "x" ? 2 : 0;
    const hex = text.slice(at + 2, at + 2 + digits);
    if (digits === 0 || hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex))
      return at + 2 + digits > text.length ? fail("ends too early", text.length) : fail("unknown escape");
    at += 2 + digits;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  function array(): JsonValue[] {
    const items: JsonValue[] = [];
    if (enter("]")) return items;
    for (;;) {
      path.push(items.length);
      items.push(value());
      path.pop();
      if (leave("]")) return items;
    }
  }

  function object(): JsonObject {
    const fields: JsonObject = {};
    if (enter("}")) return fields;
    for (;;) {
      skipSpace();
      if (text[at] !== '"') return unexpected();
      const key = string();
      skipSpace();
      if (text[at] !== ":") return unexpected();
      at += 1;
      path.push(key);
      const field = value();
      if (key === "__proto__")
        Object.defineProperty(fields, key, { value: field, enumerable: true, configurable: true, writable: true });
      else fields[key] = field;
      path.pop();
      if (leave("}")) return fields;
    }
  }

  /** Past the opening bracket; true where nothing is inside. */
  function enter(closing: string): boolean {
    if (path.length >= MAX_DEPTH) return fail("nested too deeply");
    at += 1;
    skipSpace();
    if (text[at] !== closing) return false;
    at += 1;
    return true;
  }

  /** Past a comma (false) or the closing bracket (true). */
  function leave(closing: string): boolean {
    skipSpace();
    const closed = text[at] === closing;
    if (!closed && text[at] !== ",") return unexpected();
    at += 1;
    return closed;
  }

  const result = value();
  skipSpace();
  if (at < text.length) return unexpected();
  return result;
}

/** `messages[17].id`; keys that are no plain word are quoted. */
export function formatPath(path: readonly PropertyKey[]): string {
  let formatted = "";
  for (const step of path) {
    if (typeof step === "number") formatted += `[${step}]`;
    else if (typeof step === "string" && /^[A-Za-z_$][\w$]*$/.test(step)) formatted += formatted ? `.${step}` : step;
    else formatted += `[${JSON.stringify(String(step))}]`;
  }
  return formatted;
}
