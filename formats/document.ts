import { OperatorError } from "../runtime/operator-error.ts";
import { JsonError, type JsonObject, type JsonValue, parseJson } from "./json.ts";

/**
 * A JSON file's content, without rounding.
 *
 * @param expected what the file should be, for the message where it is no text at all
 * @throws OperatorError naming the file and the place: not text, not JSON, cut off
 */
export function readDocument(bytes: Uint8Array, file: string, expected: string): JsonValue {
  let text: string;
  try {
    // As a stream: a file cut off within a character is then told as cut off.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    throw new OperatorError(`${file} is not ${expected}: it is not UTF-8 text`);
  }
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) throw new OperatorError(`${file}: ${error.message}: cut off, or not JSON`);
    throw error;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
