import { OperatorError } from "../runtime/operator-error.ts";
import { DESKTOP_EXPORT, readDesktopExports } from "./desktop/parse.ts";
import type { DesktopChannel } from "./desktop/schema.ts";
import { isObject, readDocument } from "./document.ts";
import { readTlDictionaries, TL_MESSAGES, type TlChannel } from "./tl-dictionary/parse.ts";

/** The channels of a file that a world can be made from. */
export type WorldFile =
  | { readonly format: "desktop"; readonly channels: readonly DesktopChannel[] }
  | { readonly format: "tl"; readonly channels: readonly TlChannel[] };

const EXPECTED = `${DESKTOP_EXPORT}, nor ${TL_MESSAGES}`;

/**
 * Reads a Telegram Desktop export (an object) or messages as TL dictionaries (a list), told apart by what is in the file.
 *
 * @throws OperatorError naming the file and the place
 */
export function parseWorldFile(bytes: Uint8Array, file: string): WorldFile {
  const document = readDocument(bytes, file, EXPECTED);
  if (Array.isArray(document)) return { format: "tl", channels: readTlDictionaries(document, file) };
  if (!isObject(document)) throw new OperatorError(`${file} is not ${EXPECTED}: it is neither an object nor a list`);
  return { format: "desktop", channels: readDesktopExports(document, file) };
}
