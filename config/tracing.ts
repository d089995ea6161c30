import type { SAMPLERS } from "./variable.ts";
import type { Values } from "./variables.ts";

/** Where traces go, and which of them are kept. */
export interface TracingConfig {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string | null;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: (typeof SAMPLERS)[number];
  readonly ratio: number;
}

/** Null: nothing is traced. */
export function tracingConfig(given: Values): TracingConfig | null {
  if (given.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return null;
  return {
    endpoint: given.OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: given.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: given.OTEL_SERVICE_NAME ?? null,
    resource: given.OTEL_RESOURCE_ATTRIBUTES ?? {},
    sampler: given.OTEL_TRACES_SAMPLER,
    ratio: given.OTEL_TRACES_SAMPLER_ARG,
  };
}
