import { createHmac, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { QrReport } from "../../api/qr-callback.ts";
import { HMAC_SECRET, signedCallback, startApiApp, type TestApi } from "../support/api.ts";

const TOLERANCE_MS = 300_000;
/** How many forged ones, of eleven kinds; FORGED_CALLBACKS=10000 is the whole of it. */
const FORGED = Number(process.env.FORGED_CALLBACKS ?? 1_100);
let api: TestApi;
const taken: QrReport[] = [];

beforeAll(async () => {
  api = await startApiApp({
    qrCallback: async (report) => {
      taken.push(report);
      return { status: "ok", message: "seen" };
    },
  });
});
afterAll(() => api.close());
beforeEach(() => {
  taken.length = 0;
});

const bodyOf = (ticket: string) => JSON.stringify({ ticket, tg_user_id: 700, two_fa_required: false });
const at = () => api.clock.now();
type Request = ReturnType<typeof signedCallback>;
const withHeaders = (request: Request, headers: Record<string, string>): Request => ({
  ...request,
  headers: { ...request.headers, ...headers },
});
const signatureOf = (request: Request): string => request.headers["x-miniapp-signature"] ?? "";

it("what is signed is taken, once", async () => {
  const request = signedCallback(bodyOf("one"), at());
  const answer = await api.inject(request);
  expect([answer.statusCode, answer.json()]).toEqual([200, { status: "ok", message: "seen" }]);
  expect(taken).toEqual([{ ticket: "one", telegramId: 700n, twoFaRequired: false }]);
  for (const again of [request, withHeaders(request, { "x-miniapp-signature": signatureOf(request).toUpperCase() })]) {
    expect((await api.inject(again)).statusCode).toBe(409);
  }
  expect(taken).toHaveLength(1);
});

it("of a hundred at once with one signature, one is taken", async () => {
  const request = signedCallback(bodyOf("hundred"), at());
  const answers = await Promise.all(Array.from({ length: 100 }, () => api.inject(request)));
  expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
  expect(answers.filter(({ statusCode }) => statusCode === 409)).toHaveLength(99);
  expect(taken).toHaveLength(1);
});

it.each([
  ["as old as may be", -TOLERANCE_MS, 200],
  ["a second older", -TOLERANCE_MS - 1_000, 401],
  ["as far ahead as may be", TOLERANCE_MS, 200],
  ["a second further", TOLERANCE_MS + 1_000, 401],
])("a timestamp %s", async (name, offset, status) => {
  api.clock.jump(Math.floor(at() / 1_000) * 1_000 - at());
  expect((await api.inject(signedCallback(bodyOf(name), at() + offset))).statusCode).toBe(status);
});

it("of a thousand and more forged, stale and replayed ones none is taken", async () => {
  const genuine = Array.from({ length: 20 }, (_, index) => signedCallback(bodyOf(`genuine ${index}`), at()));
  for (const request of genuine) expect((await api.inject(request)).statusCode).toBe(200);
  expect(taken).toHaveLength(20);
  taken.length = 0;
  const now = at();
  const ways: ((index: number) => Request)[] = [
    (index) =>
      withHeaders(signedCallback(bodyOf(`random ${index}`), now), {
        "x-miniapp-signature": randomBytes(32).toString("hex"),
      }),
    (index) => signedCallback(bodyOf(`other secret ${index}`), now, `${HMAC_SECRET}${index}`),
    (index) =>
      withHeaders(signedCallback(bodyOf(`flipped ${index}`), now), {
        "x-miniapp-signature": flip(signatureOf(signedCallback(bodyOf(`flipped ${index}`), now)), index % 64),
      }),
    (index) => signedCallback(bodyOf(`stale ${index}`), now - TOLERANCE_MS - 1_000 * (index + 1)),
    (index) => signedCallback(bodyOf(`ahead ${index}`), now + TOLERANCE_MS + 1_000 * (index + 1)),
    (index) => genuine[index % genuine.length] as Request,
    (index) =>
      withHeaders(genuine[index % genuine.length] as Request, {
        "x-timestamp": String(Math.floor(now / 1_000) + index + 1),
      }),
    (index) => ({ ...(genuine[index % genuine.length] as Request), payload: bodyOf(`another ${index}`) }),
    (index) =>
      withHeaders(signedCallback(bodyOf(`cut ${index}`), now), {
        "x-miniapp-signature": signatureOf(signedCallback(bodyOf(`cut ${index}`), now)).slice(0, index % 64),
      }),
    // The same moment in other words, and signatures that cover the body alone or the two without their dot.
    (index) => respelt(bodyOf(`respelt ${index}`), ["0", "+", " "][index % 3] + String(Math.floor(now / 1_000))),
    (index) => partial(bodyOf(`partial ${index}`), now, index % 2 === 0),
  ];
  const results = new Map<number, number>();
  for (let sent = 0; sent < FORGED; ) {
    const batch = Array.from(
      { length: Math.min(100, FORGED - sent) },
      (_, place) => ways[(sent + place) % ways.length]?.(sent + place) as Request,
    );
    for (const { statusCode } of await Promise.all(batch.map((request) => api.inject(request))))
      results.set(statusCode, (results.get(statusCode) ?? 0) + 1);
    sent += batch.length;
  }
  expect(taken).toEqual([]);
  expect([...results.keys()].sort()).toEqual([401, 409]);
  expect([...results.values()].reduce((sum, count) => sum + count, 0)).toBe(FORGED);
  const counted = await api.metrics.registry.getSingleMetricAsString("miniapp_webhook_total");
  expect(counted).toMatch(new RegExp(`result="refused"\\} ${(results.get(401) ?? 0) + 2}\\b`));
}, 300_000);

it("is remembered for as long as its timestamp is good, and not for ever", async () => {
  const request = signedCallback(bodyOf("remembered"), at() + TOLERANCE_MS);
  expect((await api.inject(request)).statusCode).toBe(200);
  api.clock.jump(2 * TOLERANCE_MS - 1_000);
  expect((await api.inject(request)).statusCode).toBe(409);
  api.clock.jump(2_000);
  expect((await api.inject(request)).statusCode).toBe(401);
  api.clock.jump(-2 * TOLERANCE_MS - 1_000);
  const count = () => api.database.asOwner((tx) => tx.selectFrom("accepted_signatures").select("expires_at").execute());
  const before = (await count()).length;
  await api.database.asOwner((tx) =>
    tx
      .updateTable("accepted_signatures")
      .set({ expires_at: new Date(0) })
      .execute(),
  );
  for (let more = 0; more < 3; more += 1) await api.inject(signedCallback(bodyOf(`more ${more}`), at()));
  expect(before).toBeGreaterThan(20);
  expect(await count()).toHaveLength(3);
});

it.each([
  ["no JSON", "{"],
  ["another shape", '{"ticket": 5}'],
  ["a field too many", '{"ticket": "a", "tg_user_id": 1, "two_fa_required": false, "more": 1}'],
  ["an id that is none", '{"ticket": "a", "tg_user_id": -1, "two_fa_required": false}'],
  ["nothing", ""],
])("what is signed and makes no sense is refused: %s", async (_, body) => {
  expect((await api.inject(signedCallback(body, at()))).statusCode).toBe(400);
  expect(taken).toEqual([]);
});

it("without a secret nothing is taken, and nobody is believed", async () => {
  const mute = await startApiApp({ config: { miniApp: { hmacSecret: null } } });
  try {
    for (const secret of ["", "null", HMAC_SECRET]) {
      const answer = await mute.inject(signedCallback(bodyOf("mute"), mute.clock.now(), secret));
      expect([answer.statusCode, answer.json().error.code]).toEqual([503, "not_configured"]);
    }
  } finally {
    await mute.close();
  }
});

const flip = (hex: string, place: number): string =>
  hex.slice(0, place) + (Number.parseInt(hex[place] ?? "0", 16) ^ 1).toString(16) + hex.slice(place + 1);

/** Signed rightly, over a timestamp that is written in another way. */
function respelt(body: string, timestamp: string): Request {
  const signature = createHmac("sha256", HMAC_SECRET).update(`${timestamp}.${body}`).digest("hex");
  return withHeaders(signedCallback(body, 0), { "x-timestamp": timestamp, "x-miniapp-signature": signature });
}

/** Signed with the right secret, over something else. */
function partial(body: string, now: number, bodyAlone: boolean): Request {
  const timestamp = String(Math.floor(now / 1_000));
  const signature = createHmac("sha256", HMAC_SECRET)
    .update(bodyAlone ? body : timestamp + body)
    .digest("hex");
  return withHeaders(signedCallback(body, 0), { "x-timestamp": timestamp, "x-miniapp-signature": signature });
}
