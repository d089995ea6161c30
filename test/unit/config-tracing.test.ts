import { expect, test } from "vitest";
import { ConfigError, loadConfig } from "../../config/load.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };

test("nothing is traced unless a collector is named, whatever else is set", () => {
  const others = { OTEL_SERVICE_NAME: "reader", OTEL_TRACES_SAMPLER: "always_on", OTEL_EXPORTER_OTLP_ENDPOINT: "" };
  expect(loadConfig(others).tracing).toBeNull();
});

test("a collector alone has everything else by default", () => {
  expect(loadConfig(ENDPOINT).tracing).toEqual({
    endpoint: "http://127.0.0.1:4318",
    headers: {},
    serviceName: null,
    resource: {},
    sampler: "parentbased_always_on",
    ratio: 1,
  });
});

test("OpenTelemetry's own variables are honoured, their values decoded", () => {
  const { tracing } = loadConfig({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc, x-team=one=two,",
    OTEL_SERVICE_NAME: "reader",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,place=here%2C%20there",
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
  });
  expect(tracing).toMatchObject({
    headers: { authorization: "Bearer abc", "x-team": "one=two" },
    serviceName: "reader",
    resource: { "deployment.environment.name": "test", place: "here, there" },
    sampler: "parentbased_traceidratio",
    ratio: 0.25,
  });
});

test.each([
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://127.0.0.1:4317"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://[secret"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "secret"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret%"],
  ["OTEL_RESOURCE_ATTRIBUTES", "=secret"],
  ["OTEL_TRACES_SAMPLER", "secret"],
  ["OTEL_TRACES_SAMPLER_ARG", "1.5"],
])("%s that is malformed is named, without its value (%s)", (name, value) => {
  const load = () => loadConfig({ ...ENDPOINT, [name]: value });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(name);
  expect(load).not.toThrow("secret");
});
