import { afterAll, beforeAll, expect, it } from "vitest";
import { runTotals } from "../../db/runs.ts";
import type { Emulator } from "../../emulator/start.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";
import { startTraceCollector, type ToldSpan } from "../support/trace-collector.ts";
import { contentOfRedis, tracesOf } from "../support/traces.ts";

const began = new Date();
const PASSWORD = "a password for the collector";
let emulator: Emulator;
let fleet: RunningFleet;
let collector: Awaited<ReturnType<typeof startTraceCollector>>;
let spans: ToldSpan[];
/** Everything that Redis held while the fleet ran. */
let redis: string;

const parsesDone = () => fleet.database.asWorker(async (tx) => (await runTotals(tx, began)).parses);
const named = (name: string | RegExp, among = spans) =>
  among.filter((span) => (typeof name === "string" ? span.name === name : name.test(span.name)));
const childrenOf = (span: ToldSpan) => spans.filter(({ parentId }) => parentId === span.spanId);
const below = (span: ToldSpan): ToldSpan[] => childrenOf(span).flatMap((child) => [child, ...below(child)]);

beforeAll(async () => {
  collector = await startTraceCollector();
  emulator = await startTestEmulator({ users: 3, channels: 4 });
  fleet = await prepareFleet(emulator, {
    workers: 1,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(PASSWORD)}`,
      // No wait is waited in place.
      FLOOD_INLINE_MAX_SECONDS: "0",
    },
  });
  await fleet.seed(emulator.accounts);
  await fleet.start();
  await eventually(async () => (await parsesDone()) >= 3, { timeoutMs: 60_000, what: "three parses" });
  await fleet.complete();
  emulator.floods.forceFlood({ accountIds: [emulator.accounts[0]!.telegramId], seconds: 3 });
  await fleet.parseEverybody();
  await eventually(async () => (await parsesDone()) >= 6, { timeoutMs: 60_000, what: "three more parses" });
  redis = await contentOfRedis(fleet.config.redisUrl ?? "", fleet.config.redisPrefix);
  await fleet.stop();
  spans = collector.spans();
});
afterAll(async () => {
  await fleet?.close();
  await emulator?.close();
  await collector?.close();
});

it("one trace goes from the scheduler through queue, lease and each call to the commits", () => {
  const done = named("parse-user").filter(({ attributes }) => attributes["gramfleet.outcome"] === "done");
  expect(done.length).toBeGreaterThanOrEqual(6);
  const scans = named("due scan");
  expect(scans[0]).toMatchObject({ service: "gramfleet-scheduler", parentId: null });
  expect(scans[0]!.attributes).toEqual({ "gramfleet.users": 3 });
  for (const parse of done) {
    expect(parse).toMatchObject({ service: "gramfleet-worker", kind: "consumer", failed: null });
    const asked = spans.find(({ spanId }) => spanId === parse.parentId)!;
    expect(asked).toMatchObject({ name: "enqueue parse-user", service: "gramfleet-scheduler", kind: "producer" });
    expect(asked).toMatchObject({ parentId: null, traceId: parse.traceId });
    expect(scans.map(({ spanId }) => [spanId])).toContainEqual(asked.links);
    const attributes = ["gramfleet.user_id", "messaging.message.id", "messaging.destination.name"];
    for (const name of attributes) {
      expect(parse.attributes[name]).toBeDefined();
      expect(parse.attributes[name]).toBe(asked.attributes[name]);
    }

    const names = childrenOf(parse).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["lease", "connect", "look at channels", "commit", "close", "release"]),
    );
    expect(below(parse).every(({ traceId }) => traceId === parse.traceId)).toBe(true);
    const [connect] = named("connect", childrenOf(parse));
    expect(below(connect!).map(({ name }) => name)).toContain("telegram users.getUsers");
    const [look] = named("look at channels", childrenOf(parse));
    expect(below(look!).map(({ name }) => name)).toContain("telegram messages.getPeerDialogs");
  }
  // Whoever read a channel for all committed its pages in the same trace.
  const pages = named("commit page").filter(({ parentId }) =>
    named("read channel").some((it) => it.spanId === parentId),
  );
  expect(pages.length).toBeGreaterThan(0);
  for (const page of pages) {
    const read = spans.find(({ spanId }) => spanId === page.parentId)!;
    expect(page.attributes["gramfleet.channel_id"]).toBe(read.attributes["gramfleet.channel_id"]);
    expect(done.map(({ traceId }) => traceId)).toContain(page.traceId);
  }
  const added = pages.reduce((sum, { attributes }) => sum + Number(attributes["gramfleet.messages.added"]), 0);
  expect(added).toBeGreaterThan(0);
});

it("every call that Telegram saw is a span below its job, with its API ID, method and outcome", () => {
  const calls = named(/^telegram /);
  const seen = emulator.witness.calls({ since: 0 });
  const counted = (methods: readonly unknown[]) => methods.map((method) => String(method).toLowerCase()).sort();
  expect(counted(calls.map(({ attributes }) => attributes["rpc.method"]))).toEqual(
    counted(seen.map(({ method }) => method)),
  );
  const masters = emulator.apiIds.map(({ apiId }) => String(apiId));
  const jobs = named(/^(parse-user|backfill-channel|reconcile-channel)$/);
  const belowJobs = new Set(jobs.flatMap(below));
  for (const call of calls) {
    expect(call.kind).toBe("client");
    expect(masters).toContain(call.attributes["gramfleet.api_id"]);
    expect(call.attributes["gramfleet.outcome"]).toMatch(/^(ok|flood|error)$/);
    expect(belowJobs.has(call)).toBe(true);
  }
  expect(named("limiter").length).toBeGreaterThanOrEqual(calls.length);
});

it("a wait puts the job off: it goes on in the same trace, and nothing has failed but the call", () => {
  const flooded = spans.find(({ attributes }) => attributes["gramfleet.outcome"] === "flood");
  const snoozed = spans.find((each) => each.kind === "consumer" && below(each).includes(flooded!));
  expect(snoozed).toMatchObject({ failed: null, attributes: { "gramfleet.outcome": "snoozed" } });
  const starts = spans.filter(({ kind, parentId }) => kind === "consumer" && parentId === snoozed!.parentId);
  expect(starts.length).toBeGreaterThanOrEqual(2);
  expect(new Set(starts.map(({ traceId }) => traceId)).size).toBe(1);
  expect(starts.map(({ attributes }) => attributes["gramfleet.outcome"])).toContain("done");
  expect(flooded!.events.map(({ name }) => name)).toEqual(["flood wait"]);
  expect(Number(flooded!.events[0]!.attributes["gramfleet.wait.seconds"])).toBeGreaterThan(0);
  expect(below(snoozed!).filter(({ failed }) => failed !== null)).toEqual([flooded]);
});

it("what a job asks for is a trace of its own that refers to it: a channel's whole history is no part of a parse", () => {
  const backfills = named("enqueue backfill-channel");
  expect(backfills.length).toBeGreaterThan(0);
  const parses = new Map(named("parse-user").map((span) => [span.spanId, span]));
  for (const { parentId, links, traceId } of backfills) {
    expect(parentId).toBeNull();
    expect(links).toHaveLength(1);
    const asker = spans.find(({ spanId }) => spanId === links[0]);
    expect(parses.get(asker!.spanId)?.traceId).not.toBe(traceId);
  }
  expect(
    named("backfill-channel")
      .flatMap(below)
      .map(({ name }) => name),
  ).toContain("commit page");
});

it("no key, hash, password or Telegram id of a user is in anything that was sent", () => {
  const secrets: Record<string, Buffer | string> = { password: PASSWORD };
  for (const [index, { telegramId, session }] of emulator.accounts.entries()) {
    secrets[`session ${index}`] = session;
    secrets[`auth key ${index}`] = Buffer.from(session.slice(1), "base64").subarray(-256);
    secrets[`telegram id ${index}`] = String(telegramId);
  }
  for (const [index, { apiHash }] of emulator.apiIds.entries()) secrets[`API hash ${index}`] = apiHash;
  for (const { id, key } of fleet.config.keyring) secrets[`keyring ${id}`] = key;
  const sent = collector.bodies.join("\n");
  expect(tracesOf({ seen: spans[0]!.traceId }, { sent })).not.toEqual([]);
  expect(tracesOf(secrets, { sent })).toEqual([]);
  expect(collector.headers.every(({ authorization }) => authorization === PASSWORD)).toBe(true);
});

it("a job in Redis carries its trace beside its options, its data stays ids", () => {
  const [asked] = named("enqueue parse-user");
  expect(redis).toContain(`00-${asked!.traceId}-${asked!.spanId}-01`);
});

it.each([
  ["without a collector no job carries a trace", {}, false],
  ["with a collector that is away parses go on", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }, true],
])("%s", async (_name, env, carries) => {
  const other = await prepareFleet(emulator, { workers: 1, env });
  try {
    await other.seed(emulator.accounts.slice(0, 1));
    await other.start();
    await eventually(async () => (await other.database.asWorker((tx) => runTotals(tx, began))).parses >= 1);
    const held = await contentOfRedis(other.config.redisUrl ?? "", other.config.redisPrefix);
    expect(held).toContain("parse-user");
    expect(/"tm\\*"/.test(held)).toBe(carries);
    await other.stop();
  } finally {
    await other.close();
  }
});
