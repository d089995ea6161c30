import pLimit from "p-limit";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { apiIdLabel, methodLabel } from "../runtime/metrics/labels.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { sleep } from "../runtime/sleep.ts";
import { beginSpan, inThisSpan, type Span, span } from "../runtime/tracing.ts";
import {
  AuthLost,
  FloodWait,
  LeaseLost,
  PeerGone,
  PtsUnusable,
  RpcRefused,
  TelegramError,
  Transient,
  WaitRunning,
} from "./errors.ts";
import { type MethodPauses, noMethodPauses } from "./flood-scope.ts";
import { ApiIdPaused, type Limiter, LimiterUnavailable } from "./limiter.ts";
import type { Call, CallPolicy, Gate } from "./policy.ts";
import type { WaitLedger } from "./waits.ts";

export interface FloodOptions {
  /** Waits up to this long are waited in place; the sum of them for one call, too. */
  readonly inlineMaxSeconds: number;
  /** Waits longer than this many seconds are also an event for the operator. */
  readonly sleepThreshold: number;
  /** Whom a wait holds: the account for the method, the whole API ID, or found out from how many are flooded. */
  readonly scope: "auto" | "account" | "api_id";
}

/** An account's policy, and what its calls came to. */
export type AccountPolicy = CallPolicy & {
  /** Calls made (answered, refused or timed out), and waits met. */
  tally(): { readonly calls: number; readonly waits: number };
};

/** setTimeout may fire a millisecond early, and a call before its time is up costs more than a late one. */
const AFTER_WAIT_MS = 5;

/** What stands around every call of one account. */
export function createCallPolicy(options: {
  telegramId: bigint;
  apiId: number;
  /** A user's own API ID counts as "own" in metrics. */
  ownApi: boolean;
  limiter: Pick<Limiter, "run" | "pause">;
  waits: Pick<WaitLedger, "check" | "record">;
  gate: Gate;
  /** Aborted when the lease is lost: waits in place end. */
  signal?: AbortSignal;
  flood: FloodOptions;
  pauses: MethodPauses;
  callsInFlight: number;
  metrics: Pick<
    Metrics,
    "telegramApiCalls" | "telegramCallSeconds" | "telegramFloodWaits" | "telegramFloodWaitSeconds"
  >;
  clock: Clock;
  log: Log;
}): AccountPolicy {
  const { telegramId, apiId, limiter, waits, gate, flood, metrics, clock, log } = options;
  const pauses = flood.scope === "auto" ? options.pauses : noMethodPauses;
  const inFlight = pLimit(options.callsInFlight);
  const apiLabel = apiIdLabel(apiId, options.ownApi);
  let calls = 0;
  let waitsMet = 0;
  /** Telegram has ended the session: whatever else was about to be called would only say so again. */
  let over: AuthLost | null = null;

  /** The wait that holds this call now: the account's, or the method's for the whole API ID. */
  function running({ method, chatId }: Call): WaitRunning | null {
    const wait = waits.check(telegramId, method, chatId);
    if (wait) return new WaitRunning(method, wait.until, wait.scope);
    const paused = pauses.check(apiId, method);
    return paused && new WaitRunning(method, paused, "api_method");
  }

  /** Synchronous: nothing comes between these looks and the write. */
  function refuse(call: Call): void {
    if (!gate.isOpen()) throw new LeaseLost("LEASE_LOST", call.method);
    if (over) throw over;
    const wait = running(call);
    if (wait) throw wait;
    const probed = pauses.enter(apiId, call.method, telegramId);
    if (probed) throw new WaitRunning(call.method, probed, "api_method");
  }

  /** After a pause of the method one account goes first, over all processes. */
  async function admitted({ method }: Call): Promise<void> {
    const again = await pauses.admit(apiId, method, telegramId).catch((cause) => {
      log.debug({ err: cause, api_id: apiId, method }, "method's pause not known");
      throw new Transient("LIMITER_UNAVAILABLE", method);
    });
    if (again) throw new WaitRunning(method, again, "api_method");
  }

  async function invokeInSlot<T>(call: Call, invoke: () => Promise<T>): Promise<T> {
    let begun = false;
    const about = { "gramfleet.api_id": apiLabel, "rpc.method": call.method };
    const slot = beginSpan("limiter", about);
    const go = inThisSpan(() => {
      slot.end();
      refuse(call);
      begun = true;
      const facts = { "rpc.system": "mtproto", ...about, "gramfleet.channel_id": call.chatId };
      return span(`telegram ${call.method}`, facts, (sent) => observed(call, invoke, sent), "client");
    });
    try {
      return await limiter.run(apiId, go);
    } catch (error) {
      slot.fail(error);
      slot.end();
      if (!begun) pauses.gaveUp(apiId, call.method, telegramId);
      if (error instanceof ApiIdPaused) throw new WaitRunning(call.method, error.until, "api_id");
      if (error instanceof LimiterUnavailable) throw new Transient("LIMITER_UNAVAILABLE", call.method);
      throw error;
    }
  }

  /** One call that really goes out, and what it leaves in metrics and log. */
  async function observed<T>(call: Call, invoke: () => Promise<T>, sent: Span): Promise<T> {
    const startedAt = clock.monotonic();
    calls += 1;
    let outcome: "ok" | "flood" | "error" | "timeout" = "ok";
    let errorName: string | undefined;
    try {
      const answer = await invoke();
      pauses.answered(apiId, call.method, telegramId);
      return answer;
    } catch (error) {
      outcome = outcomeOf(error);
      if (error instanceof AuthLost) over ??= error;
      if (isAnswer(error)) pauses.answered(apiId, call.method, telegramId);
      else if (outcome !== "flood" || isChats(error)) pauses.gaveUp(apiId, call.method, telegramId);
      errorName = error instanceof TelegramError ? error.errorName : undefined;
      if (error instanceof FloodWait)
        sent.event("flood wait", { "gramfleet.wait.seconds": error.seconds, "gramfleet.wait.scope": error.scope });
      throw error;
    } finally {
      const ms = clock.monotonic() - startedAt;
      const method = methodLabel(call.method);
      metrics.telegramApiCalls.inc({ api_id: apiLabel, method, outcome });
      metrics.telegramCallSeconds.observe({ method }, ms / 1_000);
      sent.set({ "gramfleet.outcome": outcome, "rpc.response.status_code": errorName });
      log.info(
        {
          api_id: apiId,
          user_telegram_id: String(telegramId),
          method: call.method,
          ...(call.chatId === undefined ? {} : { channel: String(call.chatId) }),
          outcome,
          ...(errorName ? { error: errorName } : {}),
          ms: Math.round(ms),
        },
        "Telegram API call",
      );
    }
  }

  /** Writes the wait down before anything else may call. */
  async function noteFlood(call: Call, error: FloodWait): Promise<WaitRunning> {
    waitsMet += 1;
    const labels = { api_id: apiLabel, method: methodLabel(call.method) };
    metrics.telegramFloodWaits.inc(labels);
    metrics.telegramFloodWaitSeconds.inc(labels, error.seconds);
    const chatId = error.scope === "chat" ? (call.chatId ?? 0n) : 0n;
    const noted = waits.record({ telegramId, method: call.method, chatId, seconds: error.seconds });
    if (error.scope === "method") await pauses.flooded(apiId, call.method, telegramId, error.seconds);
    if (error.seconds > flood.sleepThreshold)
      log.warn(
        { api_id: apiId, user_telegram_id: String(telegramId), method: call.method, seconds: error.seconds },
        "Telegram asked for a long wait",
      );
    if (flood.scope === "api_id" && error.scope === "method")
      await limiter
        .pause(apiId, error.seconds * 1000)
        .catch((failure) => log.warn({ err: failure, api_id: apiId }, "API ID not paused"));
    return new WaitRunning(call.method, await noted, error.scope);
  }

  async function callWaiting<T>(call: Call, invoke: () => Promise<T>): Promise<T> {
    let patienceMs = flood.inlineMaxSeconds * 1000;
    for (;;) {
      const wait = running(call) ?? (await attempt(call, invoke));
      if (!(wait instanceof WaitRunning)) return wait.answer;
      const milliseconds = wait.until.getTime() - clock.now();
      if (milliseconds > patienceMs) throw wait;
      patienceMs -= milliseconds;
      await span("wait", { "rpc.method": call.method, "gramfleet.wait.scope": wait.scope }, () =>
        sleep(Math.max(0, milliseconds) + AFTER_WAIT_MS, options.signal),
      );
      if (!gate.isOpen()) throw new LeaseLost("LEASE_LOST", call.method);
    }
  }

  async function attempt<T>(call: Call, invoke: () => Promise<T>): Promise<{ answer: T } | WaitRunning> {
    try {
      await admitted(call);
      return { answer: await invokeInSlot(call, invoke) };
    } catch (error) {
      if (error instanceof WaitRunning) return error;
      if (error instanceof FloodWait) return noteFlood(call, error);
      throw error;
    }
  }

  return {
    run: (call, invoke) => inFlight(() => callWaiting(call, invoke)),
    tally: () => ({ calls, waits: waitsMet }),
  };
}

/** Telegram let the method through, whatever it thought of the request. */
const isAnswer = (error: unknown): boolean =>
  error instanceof PeerGone || error instanceof PtsUnusable || error instanceof RpcRefused;

const isChats = (error: unknown): boolean => error instanceof FloodWait && error.scope === "chat";

function outcomeOf(error: unknown): "flood" | "timeout" | "error" {
  if (error instanceof FloodWait) return "flood";
  if (error instanceof Transient && error.errorName === "DEADLINE_PASSED") return "timeout";
  return "error";
}
