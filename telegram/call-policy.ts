import pLimit, { type LimitFunction } from "p-limit";
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

type Outcome = "ok" | "flood" | "error" | "timeout";

/** setTimeout may fire a millisecond early, and a call before its time is up costs more than a late one. */
const AFTER_WAIT_MS = 5;

/** What the calls of all accounts share. */
export interface CallSurroundings {
  readonly limiter: Pick<Limiter, "run" | "pause">;
  readonly waits: Pick<WaitLedger, "check" | "record">;
  readonly flood: FloodOptions;
  readonly pauses: MethodPauses;
  /** Of one account, at most. */
  readonly callsInFlight: number;
  readonly metrics: Pick<
    Metrics,
    "telegramApiCalls" | "telegramCallSeconds" | "telegramFloodWaits" | "telegramFloodWaitSeconds"
  >;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whose calls they are. */
export interface Caller {
  readonly telegramId: bigint;
  readonly apiId: number;
  /** A user's own API ID counts as "own" in metrics. */
  readonly ownApi: boolean;
  /** Its signal ends waits in place: aborted when the lease is lost. */
  readonly lease: Gate & { readonly signal?: AbortSignal };
}

/** What stands around every call of one account. */
export class AccountCalls implements AccountPolicy {
  readonly #around: CallSurroundings;
  readonly #caller: Caller;
  /** Only while there are calls: thousands of accounts lie still. */
  #inFlight: LimitFunction | null = null;
  #asked = 0;
  #calls = 0;
  #waitsMet = 0;
  /** Telegram has ended the session: whatever else was about to be called would only say so again. */
  #over: AuthLost | null = null;

  constructor(around: CallSurroundings, caller: Caller) {
    this.#around = around;
    this.#caller = caller;
  }

  async run<T>(call: Call, invoke: () => Promise<T>): Promise<T> {
    this.#asked += 1;
    this.#inFlight ??= pLimit(this.#around.callsInFlight);
    try {
      return await this.#inFlight(() => this.#callWaiting(call, invoke));
    } finally {
      this.#asked -= 1;
      if (this.#asked === 0) this.#inFlight = null;
    }
  }

  tally(): { readonly calls: number; readonly waits: number } {
    return { calls: this.#calls, waits: this.#waitsMet };
  }

  get #pauses(): MethodPauses {
    return this.#around.flood.scope === "auto" ? this.#around.pauses : noMethodPauses;
  }

  get #apiLabel(): string {
    return apiIdLabel(this.#caller.apiId, this.#caller.ownApi);
  }

  async #callWaiting<T>(call: Call, invoke: () => Promise<T>): Promise<T> {
    const { flood, clock } = this.#around;
    const { lease } = this.#caller;
    let patienceMs = flood.inlineMaxSeconds * 1000;
    for (;;) {
      const wait = this.#running(call) ?? (await this.#attempt(call, invoke));
      if (!(wait instanceof WaitRunning)) return wait.answer;
      const milliseconds = wait.until.getTime() - clock.now();
      if (milliseconds > patienceMs) throw wait;
      patienceMs -= milliseconds;
      await span("wait", { "rpc.method": call.method, "gramfleet.wait.scope": wait.scope }, () =>
        sleep(Math.max(0, milliseconds) + AFTER_WAIT_MS, lease.signal),
      );
      if (!lease.isOpen()) throw new LeaseLost("LEASE_LOST", call.method);
    }
  }

  async #attempt<T>(call: Call, invoke: () => Promise<T>): Promise<{ answer: T } | WaitRunning> {
    try {
      await this.#admitted(call);
      return { answer: await this.#invokeInSlot(call, invoke) };
    } catch (error) {
      if (error instanceof WaitRunning) return error;
      if (error instanceof FloodWait) return this.#noteFlood(call, error);
      throw error;
    }
  }

  /** The wait that holds this call now: the account's, or the method's for the whole API ID. */
  #running({ method, chatId }: Call): WaitRunning | null {
    const { telegramId, apiId } = this.#caller;
    const wait = this.#around.waits.check(telegramId, method, chatId);
    if (wait) return new WaitRunning(method, wait.until, wait.scope);
    const paused = this.#pauses.check(apiId, method);
    return paused && new WaitRunning(method, paused, "api_method");
  }

  /** After a pause of the method one account goes first, over all processes. */
  async #admitted({ method }: Call): Promise<void> {
    const { telegramId, apiId } = this.#caller;
    const again = await this.#pauses.admit(apiId, method, telegramId).catch((cause) => {
      this.#around.log.debug({ err: cause, api_id: apiId, method }, "method's pause not known");
      throw new Transient("LIMITER_UNAVAILABLE", method);
    });
    if (again) throw new WaitRunning(method, again, "api_method");
  }

  async #invokeInSlot<T>(call: Call, invoke: () => Promise<T>): Promise<T> {
    const { telegramId, apiId } = this.#caller;
    let begun = false;
    const about = { "gramfleet.api_id": this.#apiLabel, "rpc.method": call.method };
    const slot = beginSpan("limiter", about);
    const go = inThisSpan(() => {
      slot.end();
      this.#refuse(call);
      begun = true;
      const facts = { "rpc.system": "mtproto", ...about, "gramfleet.channel_id": call.chatId };
      return span(`telegram ${call.method}`, facts, (sent) => this.#observed(call, invoke, sent), "client");
    });
    try {
      return await this.#around.limiter.run(apiId, go);
    } catch (error) {
      slot.fail(error);
      slot.end();
      if (!begun) this.#pauses.gaveUp(apiId, call.method, telegramId);
      if (error instanceof ApiIdPaused) throw new WaitRunning(call.method, error.until, "api_id");
      if (error instanceof LimiterUnavailable) throw new Transient("LIMITER_UNAVAILABLE", call.method);
      throw error;
    }
  }

  /** Synchronous: nothing comes between these looks and the write. */
  #refuse(call: Call): void {
    const { telegramId, apiId, lease } = this.#caller;
    if (!lease.isOpen()) throw new LeaseLost("LEASE_LOST", call.method);
    if (this.#over) throw this.#over;
    const wait = this.#running(call);
    if (wait) throw wait;
    const probed = this.#pauses.enter(apiId, call.method, telegramId);
    if (probed) throw new WaitRunning(call.method, probed, "api_method");
  }

  /** One call that really goes out, and what it leaves in metrics and log. */
  async #observed<T>(call: Call, invoke: () => Promise<T>, sent: Span): Promise<T> {
    const { telegramId, apiId } = this.#caller;
    const { clock } = this.#around;
    const startedAt = clock.monotonic();
    this.#calls += 1;
    let outcome: Outcome = "ok";
    let errorName: string | undefined;
    try {
      const answer = await invoke();
      this.#pauses.answered(apiId, call.method, telegramId);
      return answer;
    } catch (error) {
      outcome = outcomeOf(error);
      if (error instanceof AuthLost) this.#over ??= error;
      if (isAnswer(error)) this.#pauses.answered(apiId, call.method, telegramId);
      else if (outcome !== "flood" || isChats(error)) this.#pauses.gaveUp(apiId, call.method, telegramId);
      errorName = error instanceof TelegramError ? error.errorName : undefined;
      if (error instanceof FloodWait)
        sent.event("flood wait", { "gramfleet.wait.seconds": error.seconds, "gramfleet.wait.scope": error.scope });
      throw error;
    } finally {
      sent.set({ "gramfleet.outcome": outcome, "rpc.response.status_code": errorName });
      this.#note(call, clock.monotonic() - startedAt, outcome, errorName);
    }
  }

  #note(call: Call, ms: number, outcome: Outcome, errorName: string | undefined): void {
    const { metrics, log } = this.#around;
    const method = methodLabel(call.method);
    metrics.telegramApiCalls.inc({ api_id: this.#apiLabel, method, outcome });
    metrics.telegramCallSeconds.observe({ method }, ms / 1_000);
    log.info(
      {
        api_id: this.#caller.apiId,
        user_telegram_id: String(this.#caller.telegramId),
        method: call.method,
        ...(call.chatId === undefined ? {} : { channel: String(call.chatId) }),
        outcome,
        ...(errorName ? { error: errorName } : {}),
        ms: Math.round(ms),
      },
      "Telegram API call",
    );
  }

  /** Writes the wait down before anything else may call. */
  async #noteFlood(call: Call, error: FloodWait): Promise<WaitRunning> {
    const { waits, limiter, flood, metrics, log } = this.#around;
    const { telegramId, apiId } = this.#caller;
    this.#waitsMet += 1;
    const labels = { api_id: this.#apiLabel, method: methodLabel(call.method) };
    metrics.telegramFloodWaits.inc(labels);
    metrics.telegramFloodWaitSeconds.inc(labels, error.seconds);
    const chatId = error.scope === "chat" ? (call.chatId ?? 0n) : 0n;
    const noted = waits.record({ telegramId, method: call.method, chatId, seconds: error.seconds });
    if (error.scope === "method") await this.#pauses.flooded(apiId, call.method, telegramId, error.seconds);
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
}

/** Telegram let the method through, whatever it thought of the request. */
const isAnswer = (error: unknown): boolean =>
  error instanceof PeerGone || error instanceof PtsUnusable || error instanceof RpcRefused;

const isChats = (error: unknown): boolean => error instanceof FloodWait && error.scope === "chat";

function outcomeOf(error: unknown): Exclude<Outcome, "ok"> {
  if (error instanceof FloodWait) return "flood";
  if (error instanceof Transient && error.errorName === "DEADLINE_PASSED") return "timeout";
  return "error";
}
