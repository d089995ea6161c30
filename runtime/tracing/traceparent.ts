/** Which span something goes on from, as https://www.w3.org/TR/trace-context/ writes it. */
export interface Traceparent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const VERSION_0 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Later versions may say more behind the same beginning. */
const LATER = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const SAMPLED = 1;

/** Null for what is none. */
export function parseTraceparent(text: unknown): Traceparent | null {
  if (typeof text !== "string" || text.length > 512) return null;
  const [, traceId = "", spanId = "", flags = ""] = (text.startsWith("00") ? VERSION_0 : LATER).exec(text) ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

export const formatTraceparent = ({ traceId, spanId, sampled }: Traceparent): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
