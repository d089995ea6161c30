import { z } from "zod";
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

/** OpenTelemetry's own names: https://opentelemetry.io/docs/languages/sdk-configuration/general/ */
export const SAMPLERS = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;

/** name=value separated by commas, the values percent-encoded: OpenTelemetry's way to write several into a variable. */
export const namedValues = z.string().transform((text, context) => {
  const values: Record<string, string> = {};
  for (const part of text.split(",").filter((each) => each.trim() !== "")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(0, equals)).trim();
    const value = decoded(part.slice(equals + 1).trim());
    if (name === "" || value === null) {
      context.addIssue("must be name=value, separated by commas, the values percent-encoded");
      return z.NEVER;
    }
    values[name] = value;
  }
  return values;
});

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
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
