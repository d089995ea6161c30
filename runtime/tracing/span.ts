import { AsyncLocalStorage } from "node:async_hooks";

/** Ids, counts and words of our own: never what people write, nor what opens anything. Null and undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>;

export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

/** A piece of work in a trace. */
export interface Span {
  set(attributes: Attributes): void;
  rename(name: string): void;
  /** Something that happened within it, at this moment. */
  event(name: string, attributes?: Attributes): void;
  /** It failed by this. What only has to wait (an error that says `until` when) has not. */
  fail(error: unknown): void;
  /** Ends it; a second call does nothing. */
  end(): void;
}

/** A span that others may be begun below. */
export interface OpenSpan extends Span {
  readonly traceId: string;
  readonly spanId: string;
  /** By what another process goes on with this trace: https://www.w3.org/TR/trace-context/ */
  readonly traceparent: string;
  /** What is handed over from within it begins a trace of its own, linked to this: one batch asks for a thousand jobs. */
  readonly fansOut: boolean;
  begin(name: string, options?: { kind?: SpanKind; attributes?: Attributes; apart?: boolean }): OpenSpan;
}

export interface RootOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** A `traceparent` to go on with; what is none is passed over. */
  readonly from?: string | undefined;
  readonly fansOut?: boolean;
  /** Leaves no span where nothing was begun within it and it did not fail. */
  readonly unlessIdle?: boolean;
}

/** Where a process's traces begin. */
export interface Tracing {
  /** Runs `work` in a span that begins a trace, or goes on with another process's. */
  root<T>(name: string, options: RootOptions, work: () => Promise<T>): Promise<T>;
  /** The same for what is no function: whoever begins it ends it. Null where nothing is traced. */
  begin(name: string, options: RootOptions): OpenSpan | null;
}

/** Traces nothing, and costs nothing. */
export const noTracing: Tracing = { root: (_name, _options, work) => work(), begin: () => null };

const current = new AsyncLocalStorage<OpenSpan>();

const nothing = () => {};
const noSpan: Span = { set: nothing, rename: nothing, event: nothing, fail: nothing, end: nothing };

/** Runs `work` in a span below the one that we are in. Where there is none it only runs it. */
export function span<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
  kind: SpanKind = "internal",
): Promise<T> {
  const parent = current.getStore();
  return parent ? spanning(parent.begin(name, { kind, attributes }), work) : work(noSpan);
}

/** The same for work that is no function. Nothing is begun below it. */
export function beginSpan(name: string, attributes: Attributes): Span {
  return current.getStore()?.begin(name, { attributes }) ?? noSpan;
}

/** The span that we are in. */
export const currentSpan = (): Span => current.getStore() ?? noSpan;

/** Begins the span of something that another process goes on with; null where nothing is traced. */
export function beginHandover(name: string, attributes: () => Attributes): OpenSpan | null {
  const parent = current.getStore();
  return parent?.begin(name, { kind: "producer", attributes: attributes(), apart: parent.fansOut }) ?? null;
}

/** `work`, to be called by whoever runs it for us (a queue, a timer), in the span that we are in now. */
export function inThisSpan<T>(work: () => T): () => T {
  const here = current.getStore();
  return here ? () => current.run(here, work) : work;
}

/** Calls `work`, and all that it begins, in `span`. */
export const inSpan = <T>(span: OpenSpan, work: () => T): T => current.run(span, work);

/** Ends `span` with `work`, and fails it with what `work` throws. */
export async function spanning<T>(span: OpenSpan, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await current.run(span, () => work(span));
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}

/** For log lines: which trace they belong to. */
export function traceFields(): { trace_id?: string; span_id?: string } {
  const here = current.getStore();
  return here ? { trace_id: here.traceId, span_id: here.spanId } : {};
}
