import { TlReadError, TlReader } from "../tl/primitives.ts";
import { GZIP_PACKED, unpackGzip } from "./gzip.ts";

const INVOKE_WITH_LAYER = 0xda9b0d0d;
const INIT_CONNECTION = 0xc1cd5ea9;
const INVOKE_WITHOUT_UPDATES = 0xbf9459b7;
const INVOKE_AFTER_MSG = 0xcb9f372d;
const INVOKE_AFTER_MSGS = 0x3dc4b4f0;
const INPUT_CLIENT_PROXY = 0x75588b3f;
const JSON_NULL = 0x3f6d7b68;
const JSON_BOOL = 0xc7345e6a;
const JSON_NUMBER = 0x2be0dfa4;
const JSON_STRING = 0xb71e767a;
const JSON_ARRAY = 0xf7444763;
const JSON_OBJECT = 0x99c1d49d;
const JSON_OBJECT_VALUE = 0xc0de1bd9;
const MAX_DEPTH = 16;

/** An API request without its wrappers, and what they said. */
export interface UnwrappedRequest {
  readonly query: Buffer;
  readonly layer: number | null;
  readonly apiId: number | null;
  readonly withoutUpdates: boolean;
  /** Messages that must have been executed before (invokeAfterMsg). */
  readonly after: readonly bigint[];
}

/**
 * Takes the wrappers off a request, in whatever order they stand (core.telegram.org/api/invoking).
 *
 * @throws TlReadError
 */
export function unwrapRequest(body: Buffer): UnwrappedRequest {
  const said = { layer: null as number | null, apiId: null as number | null, withoutUpdates: false };
  const after: bigint[] = [];
  let query = body;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const reader = new TlReader(query);
    switch (reader.id()) {
      case INVOKE_WITH_LAYER:
        said.layer = reader.int();
        break;
      case INIT_CONNECTION:
        said.apiId = readInitConnection(reader);
        break;
      case INVOKE_WITHOUT_UPDATES:
        said.withoutUpdates = true;
        break;
      case INVOKE_AFTER_MSG:
        after.push(reader.long());
        break;
      case INVOKE_AFTER_MSGS:
        after.push(...reader.vector((item) => item.long()));
        break;
      case GZIP_PACKED:
        query = unpackGzip(reader.bytes());
        continue;
      default:
        return { ...said, after, query };
    }
    query = reader.rest();
  }
  throw new TlReadError("wrapped too often");
}

function readInitConnection(reader: TlReader): number {
  const flags = reader.int();
  const apiId = reader.int();
  // device_model, system_version, app_version, system_lang_code, lang_pack, lang_code
  for (let field = 0; field < 6; field++) reader.bytes();
  if (flags & 1) {
    if (reader.id() !== INPUT_CLIENT_PROXY) throw new TlReadError("not an InputClientProxy");
    reader.bytes();
    reader.int();
  }
  if (flags & 2) skipJson(reader, 0);
  return apiId;
}

function skipJson(reader: TlReader, depth: number): void {
  if (depth > MAX_DEPTH) throw new TlReadError("JSON too deep");
  const id = reader.id();
  if (id === JSON_NULL) return;
  if (id === JSON_BOOL) reader.bool();
  else if (id === JSON_NUMBER) reader.double();
  else if (id === JSON_STRING) reader.bytes();
  else if (id === JSON_ARRAY) reader.vector((item) => skipJson(item, depth + 1));
  else if (id === JSON_OBJECT)
    reader.vector((item) => {
      if (item.id() !== JSON_OBJECT_VALUE) throw new TlReadError("not a JSONObjectValue");
      item.bytes();
      skipJson(item, depth + 1);
    });
  else throw new TlReadError(`not a JSONValue: ${id.toString(16)}`);
}
