import { type FloodGate, type RpcContext, RpcError, type TlRequest } from "./dc/service.ts";

/** An error that a test or an operator orders: for whatever call all of these fit, instead of executing it. */
export interface OrderedRefusal {
  /** As Telegram names it, CHANNEL_PRIVATE for example. */
  readonly error: string;
  /** Telegram's names come with more than one code: 400 or 406. */
  readonly code: number;
  readonly accountIds?: readonly bigint[];
  readonly apiId?: number;
  /** As GramJS names it; every method where left out. */
  readonly method?: string;
  /** Calls that name this channel, alone or among others. */
  readonly channelId?: bigint;
  /** How many calls; all of them where left out. */
  readonly times?: number;
}

export interface Refusals {
  /** Refuses from now on; the returned function takes it back. */
  order(refusal: OrderedRefusal): () => void;
  /** @throws RpcError where a refusal fits */
  check(request: TlRequest, context: RpcContext): void;
}

export function createRefusals(): Refusals {
  const ordered = new Set<{ readonly refusal: OrderedRefusal; left: number }>();
  return {
    order(refusal) {
      const entry = { refusal, left: refusal.times ?? Number.POSITIVE_INFINITY };
      ordered.add(entry);
      return () => {
        ordered.delete(entry);
      };
    },
    check(request, context) {
      for (const entry of ordered) {
        if (!concerns(entry.refusal, request, context)) continue;
        entry.left -= 1;
        if (entry.left <= 0) ordered.delete(entry);
        throw new RpcError(entry.refusal.code, entry.refusal.error);
      }
    },
  };
}

/** What is decided before a request is executed: refusals first, waits after them. */
export const gateOf = (refusals: Refusals, floods: FloodGate): FloodGate => ({
  take(request, context) {
    refusals.check(request, context);
    return floods.take(request, context);
  },
});

function concerns(refusal: OrderedRefusal, request: TlRequest, { apiId, key }: RpcContext): boolean {
  const { accountIds, method, channelId } = refusal;
  if (method !== undefined && method !== request.className) return false;
  if (refusal.apiId !== undefined && refusal.apiId !== apiId) return false;
  if (accountIds !== undefined && (key.accountId === null || !accountIds.includes(key.accountId))) return false;
  return channelId === undefined || names(request, channelId);
}

/** Whether a request names a channel, in whatever field: channel, peer, or one of many peers. */
function names(value: unknown, channelId: bigint): boolean {
  if (Array.isArray(value)) return value.some((item) => names(item, channelId));
  if (typeof value !== "object" || value === null || !("className" in value)) return false;
  if ("channelId" in value && String(value.channelId) === String(channelId)) return true;
  return ["channel", "peer", "peers"].some((field) => names((value as Record<string, unknown>)[field], channelId));
}
