import { Agenda } from "./agenda.ts";
import { CHANNELS_A_LOOK, INLINE_SECONDS, SCAN_EVERY, type Service } from "./measured.ts";

/** Times in seconds. */
export interface Scenario {
  readonly users: number;
  /** 0 to 1; the others are free. */
  readonly premiumShare: number;
  readonly premiumEvery: number;
  readonly freeEvery: number;
  readonly channelsPerUser: number;
  /** Different channels of all users together: who shares one is spared the other's call. */
  readonly channels: number;
  readonly postsPerChannelPerDay: number;
  readonly workers: number;
  readonly apiIds: number;
  /** Of each API ID, over all workers. */
  readonly callsPerSecond: number;
  /** Parses at once of each worker in each API ID's queue. */
  readonly concurrency: number;
  /** Of each call: that Telegram asks the account to wait, and for how long. */
  readonly floodProbability: number;
  readonly floodSeconds: number;
  readonly service: Service;
  /** Counted, after as much again as `warmUp`. */
  readonly seconds: number;
  readonly warmUp: number;
  readonly seed: number;
}

export interface Outcome {
  readonly dueRate: number;
  readonly parsesPerSecond: number;
  readonly callsPerSecond: number;
  readonly callsPerParse: number;
  /** Of the busiest API ID's calls a second, 0 to 1. */
  readonly limiterUse: number;
  /** Of a worker's processor, on average, 0 to 1. */
  readonly workerUse: number;
  /** Of the places for parses at once, on average, 0 to 1. */
  readonly slotUse: number;
  readonly floods: number;
  /** From being due to the end of the run. */
  readonly lag: { readonly p50: number; readonly p99: number };
  /** Due or waiting, and not begun, at the end. */
  readonly waiting: number;
}

const KINDS = 3;
const [DUE, STEP, END] = [0, 1, 2];

interface Parse {
  readonly user: number;
  readonly worker: number;
  readonly cpuEach: number;
  callsLeft: number;
  /** Set where Telegram asked the account to wait: the job is put off for so long. */
  putOff: number;
}

/**
 * Plays a fleet: users become due, the scheduler enqueues them by their API ID, workers take them as they have places, each
 * call passes the API ID's limiter, and each worker has one processor. What is waited for is waited in turn.
 */
export function simulate(scenario: Scenario): Outcome {
  const { users, workers, apiIds, service } = scenario;
  const random = randomFrom(scenario.seed);
  const agenda = new Agenda();
  const premium = Math.round(users * scenario.premiumShare);
  const every = (user: number) => (user < premium ? scenario.premiumEvery : scenario.freeEvery);
  const slots = new Float64Array(users);
  const begunBefore = new Uint8Array(users);
  const readAt = new Float64Array(scenario.channels);
  const postsPerSecond = scenario.postsPerChannelPerDay / 86_400;
  const looks = Math.ceil(scenario.channelsPerUser / CHANNELS_A_LOOK);
  const queues = Array.from({ length: apiIds }, () => new Line());
  const free = Array.from({ length: apiIds }, () => new Int32Array(workers).fill(scenario.concurrency));
  const workerFreeAt = new Float64Array(workers);
  const limiterFreeAt = new Float64Array(apiIds);
  const callsOf = new Float64Array(apiIds);
  const parses: (Parse | null)[] = [];
  const unused: number[] = [];
  const lags: number[] = [];
  const from = scenario.warmUp;
  const until = scenario.warmUp + scenario.seconds;
  let [busy, placesBusy, calls, floods, done] = [0, 0, 0, 0, 0];

  for (let user = 0; user < users; user += 1) {
    slots[user] = random() * every(user);
    agenda.add(slots[user]! + random() * SCAN_EVERY, user * KINDS + DUE);
  }

  const within = (start: number, end: number) => Math.max(0, Math.min(end, until) - Math.max(start, from));
  const startedAt = new Map<number, number>();

  function changedChannels(user: number, now: number): number {
    let changed = 0;
    for (let index = 0; index < scenario.channelsPerUser; index += 1) {
      const channel = mixed(user, index) % scenario.channels;
      if (random() < 1 - Math.exp(-postsPerSecond * (now - readAt[channel]!))) changed += 1;
      readAt[channel] = now;
    }
    return changed;
  }

  function takeFrom(api: number, now: number): void {
    const places = free[api]!;
    while (queues[api]!.length > 0) {
      let worker = 0;
      for (let each = 1; each < workers; each += 1) if (places[each]! > places[worker]!) worker = each;
      if (places[worker] === 0) return;
      places[worker]! -= 1;
      const user = queues[api]!.take();
      const changed = changedChannels(user, now);
      const callsLeft = 1 + looks + changed;
      const cpu = service.cpuPerParse + changed * service.cpuPerChange;
      const id = unused.pop() ?? parses.length;
      parses[id] = {
        ...{ user, worker, callsLeft, putOff: 0 },
        cpuEach: cpu / (callsLeft + 1),
      };
      startedAt.set(id, now);
      agenda.add(now, id * KINDS + STEP);
    }
  }

  function step(id: number, parse: Parse, now: number): void {
    const api = parse.user % apiIds;
    const begin = Math.max(now, workerFreeAt[parse.worker]!);
    const end = begin + parse.cpuEach;
    workerFreeAt[parse.worker] = end;
    busy += within(begin, end);
    if (parse.callsLeft === 0 || parse.putOff > 0) {
      agenda.add(end, id * KINDS + END);
      return;
    }
    const sent = Math.max(end, limiterFreeAt[api]!);
    limiterFreeAt[api] = sent + 1 / scenario.callsPerSecond;
    parse.callsLeft -= 1;
    const counted = sent >= from && sent < until;
    if (counted) {
      calls += 1;
      callsOf[api]! += 1;
    }
    let answered = sent + service.roundTrip;
    if (random() < scenario.floodProbability) {
      if (counted) floods += 1;
      if (scenario.floodSeconds <= INLINE_SECONDS) {
        answered += scenario.floodSeconds;
        parse.callsLeft += 1;
      } else parse.putOff = scenario.floodSeconds;
    }
    agenda.add(answered, id * KINDS + STEP);
  }

  function finish(id: number, { user, worker, putOff }: Parse, now: number): void {
    const api = user % apiIds;
    placesBusy += within(startedAt.get(id) ?? now, now);
    startedAt.delete(id);
    parses[id] = null;
    unused.push(id);
    free[api]![worker]! += 1;
    if (putOff > 0) agenda.add(now + putOff, user * KINDS + DUE);
    else {
      // The first runs of all are spread by chance alone: what is counted begins with the second.
      if (now >= from && now < until && begunBefore[user]) lags.push(now - slots[user]!);
      if (now >= from && now < until) done += 1;
      begunBefore[user] = 1;
      slots[user] = Math.max(now, slots[user]! + every(user) * (0.95 + 0.1 * random()));
      agenda.add(slots[user]! + random() * SCAN_EVERY, user * KINDS + DUE);
    }
    takeFrom(api, now);
  }

  while (agenda.size > 0) {
    const { time, event } = agenda.next();
    if (time >= until) break;
    const id = Math.floor(event / KINDS);
    const kind = event % KINDS;
    if (kind === DUE) {
      queues[id % apiIds]!.add(id);
      takeFrom(id % apiIds, time);
    } else if (kind === STEP) step(id, parses[id]!, time);
    else finish(id, parses[id]!, time);
  }
  lags.sort((one, other) => one - other);
  // Whoever is still under way has taken a place until the end.
  for (const begun of startedAt.values()) placesBusy += within(begun, until);
  const quantile = (share: number) => lags[Math.min(lags.length - 1, Math.floor(lags.length * share))] ?? 0;
  return {
    dueRate: premium / scenario.premiumEvery + (users - premium) / scenario.freeEvery,
    parsesPerSecond: done / scenario.seconds,
    callsPerSecond: calls / scenario.seconds,
    callsPerParse: done > 0 ? calls / done : 0,
    limiterUse: Math.max(...callsOf) / scenario.seconds / scenario.callsPerSecond,
    workerUse: service.cpuAtRest + busy / scenario.seconds / workers,
    slotUse: placesBusy / scenario.seconds / (workers * apiIds * scenario.concurrency),
    floods,
    lag: { p50: quantile(0.5), p99: quantile(0.99) },
    waiting: queues.reduce((sum, queue) => sum + queue.length, 0),
  };
}

/** First in, first out. */
class Line {
  #users: number[] = [];
  #first = 0;

  get length(): number {
    return this.#users.length - this.#first;
  }

  add(user: number): void {
    this.#users.push(user);
  }

  take(): number {
    const user = this.#users[this.#first]!;
    this.#first += 1;
    if (this.#first > 10_000 && this.#first * 2 > this.#users.length) {
      this.#users = this.#users.slice(this.#first);
      this.#first = 0;
    }
    return user;
  }
}

/** The same user follows the same channels each time. */
function mixed(user: number, index: number): number {
  let hash = Math.imul(user + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
