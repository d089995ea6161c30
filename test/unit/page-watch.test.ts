import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refused, type Status, Unreachable } from "../../web/qr-auth/api.ts";
import { type Watch, watchStatus } from "../../web/qr-auth/watch.ts";

/** How the page asks for a login's state: on a clock that the test moves. */
class Page extends EventTarget {
  hidden = false;

  turn(hidden: boolean): void {
    this.hidden = hidden;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

const WAITING: Status = { status: "PENDING_QR" };
let page: Page;
let network: EventTarget;
let asked: number;
let heard: unknown[];
let answer: () => Promise<Status>;
let watch: Watch;

beforeEach(() => {
  vi.useFakeTimers();
  [page, network, asked, heard] = [new Page(), new EventTarget(), 0, []];
  answer = async () => WAITING;
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

async function begin(): Promise<void> {
  watch = watchStatus({
    ...{ page, network },
    ask: () => {
      asked += 1;
      return answer();
    },
    onStatus: ({ status }) => heard.push(status),
    onTrouble: (trouble) => heard.push(trouble),
    onRefused: ({ code }) => heard.push(code),
  });
  await pass(0);
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** How often it asks in this time. */
async function asks(ms: number): Promise<number> {
  const before = asked;
  await pass(ms);
  return asked - before;
}

test("asks at once, then every two seconds", async () => {
  await begin();
  expect(asked).toBe(1);
  expect(await asks(10_000)).toBe(5);
  watch.stop();
  expect(await asks(10_000)).toBe(0);
});

test("asks no second question before the first is answered", async () => {
  let tell = (_status: Status) => {};
  answer = () => new Promise((resolve) => (tell = resolve));
  await begin();
  expect(await asks(60_000)).toBe(0);
  network.dispatchEvent(new Event("online"));
  page.turn(false);
  expect(await asks(60_000)).toBe(0);
  tell(WAITING);
  answer = async () => WAITING;
  expect(await asks(2_000)).toBe(1);
});

test("asks nothing while nobody looks, and at once when somebody does", async () => {
  await begin();
  page.turn(true);
  expect(await asks(600_000)).toBe(0);
  page.turn(false);
  expect(await asks(0)).toBe(1);
  expect(await asks(10_000)).toBe(5);
});

test("asks ever more rarely where it gets no answer, and at once when there is a connection again", async () => {
  answer = async () => {
    throw new Unreachable();
  };
  await begin();
  expect(heard).toEqual(["offline"]);
  // After 2, 4, 8, 16 seconds, then every 30.
  expect(await asks(30_000)).toBe(4);
  expect(await asks(120_000)).toBe(4);
  answer = async () => WAITING;
  heard = [];
  network.dispatchEvent(new Event("online"));
  expect(await asks(0)).toBe(1);
  expect(heard).toEqual([null, "PENDING_QR"]);
  expect(await asks(10_000)).toBe(5);
});

test("waits as long as it is asked to", async () => {
  answer = async () => {
    throw new Refused(429, "too_many_requests", 40);
  };
  await begin();
  expect(heard).toEqual(["busy"]);
  answer = async () => WAITING;
  expect(await asks(39_999)).toBe(0);
  expect(await asks(1)).toBe(1);
});

test("tells what is refused for good", async () => {
  answer = async () => {
    throw new Refused(403, "wrong_user", null);
  };
  await begin();
  expect(heard).toEqual(["wrong_user"]);
});

test("hears nothing of before, and asks nothing, while something is done", async () => {
  let tell = (_status: Status) => {};
  answer = () => new Promise((resolve) => (tell = resolve));
  await begin();
  let done = () => {};
  const working = watch.meanwhile(() => new Promise<void>((resolve) => (done = resolve)));
  tell(WAITING);
  answer = async () => ({ status: "AUTHORIZED" });
  expect(await asks(60_000)).toBe(0);
  expect(heard).toEqual([]);
  done();
  await working;
  expect(await asks(2_000)).toBe(1);
  expect(heard).toEqual([null, "AUTHORIZED"]);
});
