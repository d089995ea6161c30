import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as a collector is told of it. */
export interface ToldSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  readonly traceId: string;
  readonly spanId: string;
  /** Null at a trace's beginning. */
  readonly parentId: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  /** Ids of the spans that it refers to, in other traces. */
  readonly links: readonly string[];
  readonly failed: string | null;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly OtlpAttribute[] }[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const KINDS = ["internal", "internal", "server", "client", "producer", "consumer"] as const;
const FAILED = 2;

/** Stands in for an OpenTelemetry collector: takes OTLP over HTTP with JSON on a loopback port, and keeps what came. */
export async function startTraceCollector() {
  const bodies: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const state = { status: 200 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isTraces = request.method === "POST" && request.url === "/v1/traces";
      headers.push(request.headers);
      if (isTraces && state.status === 200) bodies.push(Buffer.concat(chunks).toString("utf8"));
      response.writeHead(isTraces ? state.status : 404, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Everything that came, as it came. */
    bodies,
    /** Of each request, refused ones too. */
    headers,
    /** What requests are answered from now on. */
    answerWith(status: number) {
      state.status = status;
    },
    spans: (): ToldSpan[] => bodies.flatMap((body) => spansOf(JSON.parse(body) as OtlpBody)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function spansOf({ resourceSpans }: OtlpBody): ToldSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)["service.name"]);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        kind: KINDS[span.kind] ?? "internal",
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId || null,
        attributes: attributesOf(span.attributes),
        events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: attributesOf(attributes) })),
        links: (span.links ?? []).map(({ spanId }) => spanId),
        failed: span.status?.code === FAILED ? (span.status.message ?? "") : null,
      })),
    );
  });
}

const attributesOf = (attributes: readonly OtlpAttribute[] = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
