import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BOARD_COOKIE } from "../../api/board/cookie.ts";
import type { ApiConfig } from "../../config/api.ts";
import { initDataOf, startApiApp, type TestApi } from "../support/api.ts";
import {
  ADMIN,
  type BoardJob,
  type BoardQueues,
  boardUsers,
  boardUsersText,
  startBoardQueues,
  VIEWER,
} from "../support/board.ts";
import { eventually } from "../support/eventually.ts";

const OURS = { "sec-fetch-site": "same-origin" };
let queues: BoardQueues;
let api: TestApi;
let users: ApiConfig["board"]["users"];
const cookies = { viewer: "", admin: "" };

beforeAll(async () => {
  queues = startBoardQueues();
  users = boardUsers(await boardUsersText());
  api = await start({ users, published: true });
  for (const [role, who] of [
    ["viewer", VIEWER],
    ["admin", ADMIN],
  ] as const)
    cookies[role] = await signedIn(api, who);
});
afterAll(async () => {
  await api?.close();
  await queues?.close();
});

const start = (board: ApiConfig["board"], databaseUrl?: string) =>
  startApiApp({
    config: { board },
    queues: () => queues.producer.openQueues(),
    ...(databaseUrl ? { databaseUrl } : {}),
  });

const signIn = (at: TestApi, who: { name: string; password: string }, more: object = {}) =>
  at.inject({
    ...{ method: "POST", url: "/queues/sign-in", payload: new URLSearchParams({ ...who }).toString(), ...more },
    headers: { "content-type": "application/x-www-form-urlencoded", ...OURS },
  });

async function signedIn(at: TestApi, who: { name: string; password: string }): Promise<string> {
  const answer = await signIn(at, who);
  expect(answer.statusCode).toBe(303);
  const cookie = answer.cookies.find(({ name }) => name === BOARD_COOKIE);
  return `${BOARD_COOKIE}=${cookie?.value}`;
}

type Method = "GET" | "POST" | "PUT" | "PATCH";
/** Every route of the board, as the app has it: new ones of Bull Board's too. */
const boardRoutes = () =>
  [...api.app.accessOf].flatMap(([route, access]) => {
    const [method = "", url = ""] = route.split(" ");
    return /^\/queues(\/|$)/.test(url) ? [{ route, method: method as Method, url, access }] : [];
  });
/** Those of them that may change something, signing in and out aside. */
const actions = () => boardRoutes().filter(({ method, url }) => method !== "GET" && !/sign-(in|out)$/.test(url));
const filled = (url: string, job: BoardJob, queueStatus = "failed") =>
  url
    .replace(":queueName", job.queue)
    .replace(":jobId", job.id)
    .replace(":queueStatus", queueStatus)
    .replace(":schedulerId", "none");
const act = (method: Method, url: string, cookie: string, headers: Record<string, string> = OURS) =>
  api.inject({ method, url, headers: { ...headers, ...(cookie ? { cookie } : {}) } });

async function failedJob(userId: number): Promise<BoardJob> {
  const job = await queues.parse("parse-1001", userId);
  await eventually(async () => (await queues.stateOf(job)) === "failed", { what: "the job's end" });
  return job;
}

describe("who is not signed in", () => {
  it("is taken to the form, or refused, by every route", async () => {
    for (const { method, url, access, route } of boardRoutes().filter(({ access }) => access !== "anyone")) {
      expect(access, route).toMatch(/^board-(viewer|admin)$/);
      for (const cookie of ["", `${BOARD_COOKIE}=made-up`]) {
        const answer = await act(method, filled(url, { queue: "parse-1001", id: "1" }), cookie);
        const isPage = !/^\/queues\/(api|static)\//.test(url);
        expect(answer.statusCode, route).toBe(isPage ? 303 : 401);
        if (isPage) expect(answer.headers.location).toBe("/queues/sign-in");
      }
    }
  });

  it("is a tenant's program, and a user of the Mini App", async () => {
    const headers = [await api.bearer(), { authorization: `tma ${initDataOf(1, api.clock.now())}` }];
    for (const each of headers)
      expect((await api.inject({ method: "GET", url: "/queues/api/queues", headers: each })).statusCode).toBe(401);
  });
});

describe("signing in", () => {
  it("sets a cookie that no script reads and no other site sends", async () => {
    const answer = await signIn(api, ADMIN);
    expect(answer.cookies).toMatchObject([
      { name: BOARD_COOKIE, path: "/queues", httpOnly: true, secure: true, sameSite: "Strict", maxAge: 12 * 3_600 },
    ]);
  });

  it.each([
    [{ ...ADMIN, password: VIEWER.password }],
    [{ ...ADMIN, password: "" }],
    [{ name: "nobody", password: ADMIN.password }],
    [{ name: "", password: "" }],
  ])("is refused in the same words whether the name is known or not: %j", async (who) => {
    const answer = await signIn(api, who, { remoteAddress: "10.1.0.1" });
    expect(answer.statusCode).toBe(401);
    expect(answer.body).toContain("Name and password do not belong together.");
    expect(answer.cookies).toEqual([]);
  });

  it("is not for pages of others, nor by http from elsewhere", async () => {
    const ask = (headers: Record<string, string>) =>
      api.inject({
        ...{ method: "POST", url: "/queues/sign-in", payload: new URLSearchParams(ADMIN).toString() },
        headers: { "content-type": "application/x-www-form-urlencoded", host: "board.example.org", ...headers },
      });
    for (const headers of [{}, { "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }])
      expect((await ask(headers)).statusCode).toBe(403);
    expect((await ask({ origin: "http://board.example.org" })).statusCode).toBe(400);
    expect((await ask({ origin: "https://board.example.org" })).statusCode).toBe(303);
  });

  it("is held after too many tries, with the right password too", async () => {
    const from = { remoteAddress: "10.2.0.1" };
    for (let each = 0; each < 10; each++)
      expect((await signIn(api, { ...ADMIN, password: `guess ${each}` }, from)).statusCode).toBe(401);
    const held = await signIn(api, ADMIN, from);
    expect(held.statusCode).toBe(429);
    expect(Number(held.headers["retry-after"])).toBeGreaterThan(800);
    expect((await signIn(api, ADMIN, { remoteAddress: "10.2.0.2" })).statusCode).toBe(303);
  });

  it("is logged without what was typed, and with the name only of who there is", () => {
    const lines = api.logged.filter((line) => line.includes("BOARD_SIGN_IN"));
    expect(lines.some((line) => line.includes('"BOARD_SIGN_IN"') && line.includes('"operator":"ada"'))).toBe(true);
    expect(lines.some((line) => line.includes('"BOARD_SIGN_IN_REFUSED"') && line.includes('"operator":null'))).toBe(
      true,
    );
    const all = api.logged.join("\n");
    for (const secret of [ADMIN.password, VIEWER.password, "guess 3", "nobody"]) expect(all).not.toContain(secret);
  });

  it("ends with signing out, with another password or role, and with being named no more", async () => {
    const cookie = await signedIn(api, VIEWER);
    const ask = async (at: TestApi) => (await at.inject({ url: "/queues/api/queues", headers: { cookie } })).statusCode;
    expect(await ask(api)).toBe(200);
    const [admin, viewer] = users;
    const others = [[admin], [admin, { ...viewer, version: Buffer.from("another") }]] as ApiConfig["board"]["users"][];
    for (const other of others) {
      const restarted = await start({ users: other, published: true }, api.databaseUrl);
      expect(await ask(restarted)).toBe(401);
      await restarted.app.close();
    }
    const out = await act("POST", "/queues/sign-out", cookie);
    expect(out.headers.location).toBe("/queues/sign-in");
    expect(await ask(api)).toBe(401);
  });
});

describe("a viewer", () => {
  it("sees queues and jobs", async () => {
    const job = await failedJob(101);
    const seen = (await act("GET", `/queues/api/queues/${job.queue}/${job.id}`, cookies.viewer)).json();
    expect(seen).toMatchObject({ job: { id: job.id, data: { userId: "101" } }, status: "failed" });
    const { queues: all } = (await act("GET", "/queues/api/queues", cookies.viewer)).json();
    expect(all).toMatchObject([{ name: "parse-1001", readOnlyMode: true, allowRetries: false }]);
  });

  it("changes nothing by any route", async () => {
    const job = await failedJob(102);
    expect(actions().length).toBeGreaterThan(20);
    for (const { method, url, route, access } of actions()) {
      expect(access, route).toBe("board-admin");
      const answer = await act(method, filled(url, job), cookies.viewer);
      expect([answer.statusCode, answer.json().code], route).toEqual([403, "read_only"]);
    }
    expect(await queues.stateOf(job)).toBe("failed");
    expect((await queues.producer.pausedQueues()).length).toBe(0);
  });
});

/** What an admin may do, and the answer where there is such a job; whatever is not here is refused. */
const DONE: Readonly<Record<string, number>> = {
  "PUT /queues/api/queues/pause": 200,
  "PUT /queues/api/queues/resume": 200,
  "PUT /queues/api/queues/:queueName/pause": 200,
  "PUT /queues/api/queues/:queueName/resume": 200,
  "PUT /queues/api/queues/:queueName/promote": 200,
  "PUT /queues/api/queues/:queueName/retry/:queueStatus": 200,
  "PUT /queues/api/queues/:queueName/clean/:queueStatus": 403,
  "PUT /queues/api/queues/:queueName/:jobId/retry": 204,
  "PUT /queues/api/queues/:queueName/:jobId/clean": 204,
  // It is not delayed.
  "PUT /queues/api/queues/:queueName/:jobId/promote": 500,
};

describe("an admin", () => {
  it("does what is on the list, and nothing else that Bull Board offers", async () => {
    for (const [at, { method, url, route }] of actions().entries()) {
      const job = await failedJob(300 + at);
      const answer = await act(method, filled(url, job), cookies.admin);
      expect(answer.statusCode, `${route} ${answer.body}`).toBe(DONE[route] ?? 403);
      if (!(route in DONE)) expect(answer.json().code, route).toBe("not_done_here");
      if (route.endsWith("/pause")) {
        expect(await queues.producer.pausedQueues(), route).toEqual(["parse-1001"]);
        await queues.producer.resume("parse-1001");
      }
    }
    expect((await queues.producer.pausedQueues()).length).toBe(0);
    expect(Object.keys(DONE).filter((route) => !api.app.accessOf.has(route))).toEqual([]);
  });

  it("is kept to pages of the board, for every action", async () => {
    const job = await failedJob(201);
    const others = [
      {},
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
    ];
    for (const { method, url, route } of actions())
      for (const headers of others) {
        const answer = await act(method, filled(url, job), cookies.admin, headers as Record<string, string>);
        expect([answer.statusCode, answer.json().code], route).toEqual([403, "cross_site"]);
      }
    expect(await queues.stateOf(job)).toBe("failed");
  });

  it("takes away no logout that somebody asked for, and tries nothing again that has succeeded", async () => {
    const logout = await queues.revoke("parse-1002");
    const refused = await act("PUT", filled("/queues/api/queues/:queueName/:jobId/clean", logout), cookies.admin);
    expect([refused.statusCode, refused.json().code]).toEqual([403, "not_done_here"]);
    expect(["prioritized", "waiting"]).toContain(await queues.stateOf(logout));

    queues.mend();
    const done = await queues.parse("parse-1001", 202);
    await eventually(async () => (await queues.stateOf(done)) === "completed", { what: "the job's end" });
    expect(
      (await act("PUT", filled("/queues/api/queues/:queueName/:jobId/retry", done), cookies.admin)).statusCode,
    ).toBe(403);
    const all = "/queues/api/queues/:queueName/retry/:queueStatus";
    expect((await act("PUT", filled(all, done, "completed"), cookies.admin)).statusCode).toBe(403);
    expect(await queues.stateOf(done)).toBe("completed");
  });

  it("leaves a line of what was done", () => {
    const line = api.logged.find((each) => each.includes("PUT /api/queues/:queueName/:jobId/retry"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      operator: "ada",
      role: "admin",
      queue: "parse-1001",
      refused: false,
    });
  });
});
