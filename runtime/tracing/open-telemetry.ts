import { hostname } from "node:os";
import {
  type Context,
  SpanKind as Kind,
  type Attributes as OtelAttributes,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { withDeadline } from "../deadline.ts";
import { describeError, type Log } from "../log.ts";
import { tellingFailures } from "./exporting.ts";
import { type Attributes, type OpenSpan, type RootOptions, spanning, type Tracing } from "./span.ts";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

/** What is not sent yet: at 1 KB each no more than some megabytes; beyond, spans are dropped. */
const MOST_UNSENT = 8_192;
const BATCH = 512;
const SEND_EVERY_MS = 2_000;
/** A batch, with its retries. */
const SEND_WITHIN_MS = 5_000;
const CLOSE_WITHIN_MS = 2_000;
const LONGEST_TEXT = 300;

/** Where traces go and which are kept, as OpenTelemetry's own variables say. */
export interface TracingOptions {
  /** Of OTLP over HTTP, without `/v1/traces`. */
  readonly endpoint: string;
  /** May hold a password. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null: gramfleet-<process>. */
  readonly serviceName: string | null;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: `${"" | "parentbased_"}${"always_on" | "always_off" | "traceidratio"}`;
  /** In [0, 1], for the samplers that take one. */
  readonly ratio: number;
}

/**
 * Opens a process's tracing with OpenTelemetry's SDK. Everything is given to it; of the environment its exporter reads
 * only what this does not name, such as certificates and compression. Nothing is registered globally.
 *
 * @param process which of ours this is: scheduler, worker, …
 */
export function openTracing(options: TracingOptions, process: string, log: Log): Tracing & { close(): Promise<void> } {
  const url = new URL(options.endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  const otlp = new OTLPTraceExporter({
    url: url.href,
    headers: { ...options.headers },
    timeoutMillis: SEND_WITHIN_MS,
  });
  const exporter = tellingFailures(otlp, url.origin, log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resourceOf(options, process)),
    sampler: samplerOf(options),
    spanLimits: { attributeValueLengthLimit: LONGEST_TEXT },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MOST_UNSENT,
        maxExportBatchSize: BATCH,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: 2 * SEND_WITHIN_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("gramfleet");
  const begin = (name: string, given: RootOptions): OpenSpan => beginRoot(tracer, name, given);

  return {
    begin,
    root: (name, given, work) => spanning(begin(name, given), work),
    async close() {
      exporter.leave();
      await withDeadline("sending traces", CLOSE_WITHIN_MS, provider.shutdown()).catch(() =>
        log.debug("traces that were left could not be sent"),
      );
    },
  };
}

function resourceOf({ serviceName, resource }: TracingOptions, name: string): Record<string, string> {
  return {
    "service.namespace": "gramfleet",
    "service.name": `gramfleet-${name}`,
    "service.instance.id": `${hostname()}:${process.pid}`,
    ...resource,
    ...(serviceName === null ? {} : { "service.name": serviceName }),
    "gramfleet.process": name,
  };
}

function samplerOf({ sampler, ratio }: TracingOptions): Sampler {
  const root = sampler.endsWith("always_on")
    ? new AlwaysOnSampler()
    : sampler.endsWith("always_off")
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(ratio);
  return sampler.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

function beginRoot(tracer: Tracer, name: string, options: RootOptions): OpenSpan {
  const { kind = "internal", attributes = {}, fansOut = false, unlessIdle = false } = options;
  const from = parseTraceparent(options.from);
  const above = from
    ? trace.setSpanContext(ROOT_CONTEXT, {
        traceId: from.traceId,
        spanId: from.spanId,
        traceFlags: from.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
      })
    : ROOT_CONTEXT;
  const started = tracer.startSpan(name, { kind: KINDS[kind], attributes: plain(attributes) }, above);
  return new SdkSpan(tracer, started, above, { fansOut, unlessIdle });
}

class SdkSpan implements OpenSpan {
  readonly #tracer: Tracer;
  readonly #span: OtelSpan;
  readonly #context: Context;
  /** Ended without a trace of it, unless something happened: a span that is never ended is never sent. */
  #idle: boolean;
  #ended = false;
  readonly fansOut: boolean;

  constructor(
    tracer: Tracer,
    span: OtelSpan,
    above: Context,
    { fansOut, unlessIdle }: { fansOut: boolean; unlessIdle: boolean },
  ) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = trace.setSpan(above, span);
    this.#idle = unlessIdle;
    this.fansOut = fansOut;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get spanId(): string {
    return this.#span.spanContext().spanId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return formatTraceparent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
  }

  begin(name: string, options: Parameters<OpenSpan["begin"]>[1] = {}): OpenSpan {
    const { kind = "internal", attributes = {}, apart = false } = options;
    this.#idle = false;
    const how = { kind: KINDS[kind], attributes: plain(attributes) };
    const links = apart ? [{ context: this.#span.spanContext() }] : [];
    const above = apart ? ROOT_CONTEXT : this.#context;
    const below = this.#tracer.startSpan(name, { ...how, links }, above);
    return new SdkSpan(this.#tracer, below, above, { fansOut: this.fansOut, unlessIdle: false });
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(plain(attributes));
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  event(name: string, attributes: Attributes = {}): void {
    this.#span.addEvent(name, plain(attributes));
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#idle = false;
    if (isPutOff(error)) {
      this.event("put off", { reason: wordsOf(error.message), until: error.until.toISOString() });
      return;
    }
    const { type, message, reason } = describeError(error);
    this.#span.setAttributes(plain({ "error.type": type, "error.reason": reason }));
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: `${type}: ${wordsOf(message)}` });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#idle) this.#span.end();
  }
}

const KINDS = {
  internal: Kind.INTERNAL,
  server: Kind.SERVER,
  client: Kind.CLIENT,
  producer: Kind.PRODUCER,
  consumer: Kind.CONSUMER,
};

const isPutOff = (error: unknown): error is Error & { until: Date } =>
  error instanceof Error && "until" in error && error.until instanceof Date;

/** Without long numbers: one may be a phone's, or somebody's id at Telegram. */
const wordsOf = (message: string): string => message.slice(0, LONGEST_TEXT).replace(/\d{5,}/g, "…");

/** Numbers of Telegram's have 64 bits, which are text in OTLP's JSON and for most who show it. */
function plain(attributes: Attributes): OtelAttributes {
  const given: OtelAttributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    given[name] = typeof value === "bigint" ? String(value) : value;
  }
  return given;
}
