import type { Api } from "telegram";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { type AuthKeyRecord, type Handlers, type RpcContext, RpcError } from "../../emulator/dc/service.ts";
import { createAccess } from "../../emulator/services/access.ts";
import { DEFAULT_RULES, type ServiceDeps, type ServiceRules } from "../../emulator/services/deps.ts";
import { createHandlers } from "../../emulator/services/handlers.ts";
import { createLoginTokens } from "../../emulator/services/login-tokens.ts";
import { createLogins } from "../../emulator/services/logins.ts";
import { readRequest } from "../../emulator/tl/read-request.ts";
import type { World, WorldMessage } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";

/** The emulator's services without a wire: requests and answers still pass through their TL bytes, as GramJS reads them. */
export function emulatedCalls(options: { rules?: Partial<ServiceRules>; clock?: Clock; maxEvents?: number } = {}) {
  const clock = options.clock ?? systemClock;
  const world: World = createWorld({
    clock,
    ...(options.maxEvents === undefined ? {} : { maxEvents: options.maxEvents }),
  });
  const secret = Buffer.alloc(32, 7);
  const access = createAccess(world, secret);
  const logins = createLogins(clock);
  const records = new Map<bigint, AuthKeyRecord>();
  const pushed: { keyId: bigint; update: Buffer }[] = [];
  const loginTokens = createLoginTokens({
    seconds: 30,
    keys: {
      get: (keyId) => records.get(keyId),
      change: (record, change) => void Object.assign(record, change),
    },
    push: (keyId, update) => pushed.push({ keyId, update }),
    ...{ world, logins, clock },
  });
  const deps: ServiceDeps = {
    world,
    access,
    logins,
    loginTokens,
    dataCenters: () => [1, 2].map((id) => ({ id, host: "127.0.0.1", port: 4000 + id })),
    apiIds: [{ apiId: 1001, apiHash: "a".repeat(32) }],
    secret,
    rules: { ...DEFAULT_RULES, ...options.rules },
  };
  const handlers = createHandlers(deps);
  let keys = 0n;

  return {
    world,
    access,
    handlers,
    loginTokens,
    /** What was pushed to clients, by key. */
    pushed,
    /** A client with a key of its own, logged in as `accountId` or as nobody, connected to a DC. */
    client(accountId: bigint | null, dcId = 2): EmulatedClient {
      keys += 1n;
      const key: AuthKeyRecord = { keyId: keys, key: Buffer.alloc(256), dcId, apiId: 1001, accountId, ended: null };
      records.set(key.keyId, key);
      const context = contextOf(key, clock);
      return { key, context, call: (request) => call(handlers, request, context) };
    },
  };
}

export interface EmulatedClient {
  readonly key: AuthKeyRecord;
  readonly context: RpcContext;
  /** Throws what the service throws. */
  call<T>(request: Api.AnyRequest & { __response: T }): Promise<T>;
}

async function call<T>(
  handlers: Handlers,
  request: Api.AnyRequest & { __response: T },
  context: RpcContext,
): Promise<T> {
  const parsed = readRequest(request.getBytes());
  const handler = handlers.get(parsed.className);
  if (!handler) throw new RpcError(501, "METHOD_NOT_SERVED");
  return decode(await handler(parsed, context));
}

/** Reads TL as GramJS does; throws where bytes are left over. */
export function decode<T>(bytes: Buffer): T {
  const reader = new BinaryReader(bytes);
  const result: T = reader.tgReadObject();
  if (reader.tellPosition() !== bytes.length) throw new Error(`${bytes.length - reader.tellPosition()} bytes too many`);
  return result;
}

function contextOf(key: AuthKeyRecord, clock: Clock): RpcContext {
  return {
    key,
    dcId: key.dcId,
    connectionId: 1,
    sessionId: 1n,
    msgId: 1n,
    layer: 198,
    apiId: 1001,
    get now() {
      return clock.now();
    },
    account() {
      if (key.accountId === null) throw new RpcError(401, "AUTH_KEY_UNREGISTERED");
      return key.accountId;
    },
    authorize(accountId) {
      key.accountId = accountId;
    },
  };
}

/** A plain text message, and whatever else is given. */
export function textMessage(message: string, more: Partial<WorldMessage> = {}): Omit<WorldMessage, "id"> {
  return { ...plainPost(message, 1_700_000_000), ...more };
}
