import { once } from "node:events";
import { fastify } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { traceRequests } from "../../api/http/request-trace.ts";
import { createLog, silentLog } from "../../runtime/log.ts";
import { openTracing } from "../../runtime/tracing/open-telemetry.ts";
import {
  beginHandover,
  currentSpan,
  inThisSpan,
  noTracing,
  span,
  type TracingOptions,
  traceFields,
} from "../../runtime/tracing.ts";
import { eventually } from "../support/eventually.ts";
import { startTraceCollector } from "../support/trace-collector.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
let collector: Awaited<ReturnType<typeof startTraceCollector>>;

beforeEach(async () => {
  collector = await startTraceCollector();
});
afterEach(() => collector.close());

const optionsOf = (given: Partial<TracingOptions> = {}): TracingOptions => ({
  endpoint: collector.endpoint,
  ...{ headers: {}, serviceName: null, resource: {} },
  sampler: "parentbased_always_on",
  ratio: 1,
  ...given,
});
const open = (given: Partial<TracingOptions> = {}) => openTracing(optionsOf(given), "test", silentLog);
/** The names of what arrives, once all of it was sent. */
const arrived = async (tracing: ReturnType<typeof open>) => {
  await tracing.close();
  return collector.spans().map(({ name }) => name);
};

test("where nothing is traced, work runs as it is and nobody knows of a trace", async () => {
  const seen = await noTracing.root("root", {}, () =>
    span("inner", {}, async () => ({ fields: traceFields(), handed: beginHandover("job", () => ({})) })),
  );
  expect(seen).toEqual({ fields: {}, handed: null });
  const work = () => 1;
  expect(inThisSpan(work)).toBe(work);
});

test("work that somebody else runs belongs to the span that it was given away in", async () => {
  const tracing = open();
  const line: (() => Promise<void>)[] = [];
  await Promise.all(
    ["one", "two"].map((name) =>
      tracing.root(name, {}, async () => {
        line.push(inThisSpan(() => span(`of ${name}`, {}, async () => undefined)));
        if (line.length === 2) for (const work of line) await work();
        else await eventually(() => line.length === 2);
      }),
    ),
  );
  await tracing.close();
  const spans = collector.spans();
  for (const name of ["one", "two"]) {
    const [outer, inner] = [name, `of ${name}`].map((each) => spans.find((it) => it.name === each)!);
    expect(inner!.parentId).toBe(outer!.spanId);
  }
});

test("what fails says by what, in words of the log; what only has to wait has not failed", async () => {
  const tracing = open();
  const refused = Object.assign(new Error(`+88812345678 ${"x".repeat(1_000)}`), {
    name: "Refused",
    code: "ECONNREFUSED",
    key: "canary",
  });
  const later = Object.assign(new Error("slowly"), { until: new Date(0) });
  for (const error of [refused, later]) {
    const failing = tracing.root(error.name, {}, () => Promise.reject(error));
    await expect(failing).rejects.toBe(error);
  }
  await tracing.close();
  const [failed, putOff] = collector.spans();
  expect(failed).toMatchObject({ attributes: { "error.type": "Refused", "error.reason": "ECONNREFUSED" } });
  expect(failed!.failed).toMatch(/^Refused: \+… x+$/);
  expect(failed!.failed!.length).toBeLessThanOrEqual(320);
  expect(putOff).toMatchObject({ failed: null, events: [{ name: "put off" }] });
  expect(collector.bodies.join("")).not.toContain("canary");
});

test("a turn of a loop that did nothing leaves nothing; one that did something, or failed, does", async () => {
  const tracing = open();
  const loop = { fansOut: true, unlessIdle: true };
  await tracing.root("idle", loop, async () => currentSpan().set({ users: 0 }));
  await tracing.root("busy", loop, async () => beginHandover("job", () => ({}))?.end());
  await tracing.root("failing", loop, () => Promise.reject(new Error("away"))).catch(() => undefined);
  expect(await arrived(tracing)).toEqual(["job", "busy", "failing"]);
  const [job, busy] = collector.spans();
  expect(job).toMatchObject({ kind: "producer", parentId: null, links: [busy!.spanId] });
  expect(job!.traceId).not.toBe(busy!.traceId);
});

test.each([
  ["parentbased_always_on", ["alone", "from kept"]],
  ["parentbased_always_off", ["from kept"]],
  ["parentbased_traceidratio", ["from kept"]],
  ["always_on", ["alone", "from kept", "from dropped"]],
  ["always_off", []],
  ["traceidratio", []],
] as const)("%s keeps what it should", async (sampler, kept) => {
  const tracing = open({ sampler, ratio: 0 });
  const from = (flags: string) => ({ from: `00-${TRACE}-${SPAN}-${flags}` });
  await tracing.root("alone", {}, async () => undefined);
  await tracing.root("from kept", from("01"), async () => undefined);
  await tracing.root("from dropped", from("00"), async () => {
    const handed = beginHandover("job", () => ({}));
    // Whoever goes on with it knows that it is not kept.
    expect(handed!.traceparent).toMatch(sampler === "always_on" ? /-01$/ : /-00$/);
  });
  expect(await arrived(tracing)).toEqual(kept);
});

test("a collector that refuses is told of once, and once when it takes traces again", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", name: "test", destination: { write: (line) => void lines.push(line) } });
  const endpoint = collector.endpoint.replace("//", "//someone:canary@");
  const tracing = openTracing(optionsOf({ endpoint, headers: { "x-key": "canary" } }), "test", log);
  const batch = async () => {
    for (let count = 0; count < 600; count += 1) await tracing.root("work", {}, async () => undefined);
  };
  collector.answerWith(400);
  await batch();
  await eventually(() => collector.headers.length >= 1);
  await batch();
  await eventually(() => collector.headers.length >= 2);
  collector.answerWith(200);
  await batch();
  await eventually(() => collector.bodies.length > 0 && lines.length >= 2);
  await tracing.close();
  expect(collector.headers[0]).toMatchObject({ "x-key": "canary" });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, msg: "traces do not reach the collector", collector: collector.endpoint },
    { level: 30, msg: "traces reach the collector again", collector: collector.endpoint },
  ]);
  expect(lines.join("")).not.toContain("canary");
});

test("a process that ends does not wait for a collector that never answers", async () => {
  await collector.close();
  const tracing = open();
  await tracing.root("work", {}, async () => undefined);
  await tracing.close();
  expect(collector.spans()).toEqual([]);
});

test("a request goes on with its caller's trace, also once its body was read, and says the route, not the address", async () => {
  const tracing = open();
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({ level: "info", name: "test", traced: true, destination });
  const app = fastify();
  traceRequests(app, tracing);
  app.post("/things/:secret", (_request, reply) =>
    span("inner", {}, async () => {
      log.info("seen");
      await reply.code(201).send("{}");
    }),
  );
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  const headers = { "content-type": "application/json", traceparent: `00-${TRACE}-${SPAN}-01` };
  const body = JSON.stringify({ long: "x".repeat(100_000) });
  await fetch(`${address}/things/canary?token=canary`, { method: "POST", headers, body });
  app.server.closeAllConnections();
  await Promise.all([once(app.server, "close"), app.close()]);
  expect((await arrived(tracing)).sort()).toEqual(["POST /things/:secret", "inner"]);
  const [inner, request] = ["inner", "POST /things/:secret"].map(
    (name) => collector.spans().find((it) => it.name === name)!,
  );
  expect(request).toMatchObject({ kind: "server", traceId: TRACE, parentId: SPAN });
  expect(request!.attributes).toMatchObject({ "http.route": "/things/:secret", "http.response.status_code": 201 });
  expect(inner!.parentId).toBe(request!.spanId);
  expect(JSON.parse(lines[0]!)).toMatchObject({ trace_id: TRACE, span_id: inner!.spanId });
  expect(collector.bodies.join("")).not.toContain("canary");
});
