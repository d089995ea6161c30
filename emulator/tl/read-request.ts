import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import type { TlRequest } from "../dc/service.ts";
import { readHotRequest } from "./read-hot-request.ts";

/** A request that layer 198 does not know, or that is none. */
export class UnreadableRequestError extends Error {
  override name = "UnreadableRequestError";
}

/**
 * Parses an API request (without wrappers) into GramJS's own class instance, or, for a few frequent ones, into plain
 * objects of the same fields.
 *
 * @throws UnreadableRequestError
 */
export function readRequest(query: Buffer): TlRequest {
  const hot = readHotRequest(query);
  if (hot) return hot;
  let parsed: unknown;
  try {
    parsed = new BinaryReader(query).tgReadObject();
  } catch (error) {
    throw new UnreadableRequestError("not readable in layer 198", { cause: error });
  }
  if (!isRequest(parsed)) throw new UnreadableRequestError("no API method");
  return parsed;
}

function isRequest(parsed: unknown): parsed is TlRequest {
  return (
    typeof parsed === "object" &&
    parsed !== null &&
    "className" in parsed &&
    typeof parsed.className === "string" &&
    "classType" in parsed &&
    parsed.classType === "request"
  );
}
