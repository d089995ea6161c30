import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../api/http/errors.ts";
import { initDataOf, startApiApp, type TestApi } from "../support/api.ts";
import { plantReader } from "../support/following.ts";
import { sampleOf } from "../support/samples.ts";

const PERSON = 501;
const ADMIN = 502;

describe("who may call", () => {
  let api: TestApi;
  const declared: { method: string; url: string; access: unknown }[] = [];
  beforeAll(async () => {
    api = await startApiApp({
      config: { admins: new Set([BigInt(ADMIN)]) },
      more: async (app) => {
        app.get("/test/client", { config: { access: ["client"] } }, async (request) => ({
          of: request.caller?.tenantId,
        }));
        app.get("/test/fails", { config: { access: "anyone" } }, async () => {
          throw new Error("canary of the inside");
        });
      },
    });
    for (const { method, url } of routesOf(api))
      declared.push({ method, url, access: api.app.accessOf.get(`${method} ${url}`) });
    await plantReader(api.database, BigInt(PERSON));
    await plantReader(api.database, BigInt(ADMIN));
  });
  afterAll(() => api.close());
  const asPerson = (telegramId = PERSON) => ({ authorization: `tma ${initDataOf(telegramId, api.clock.now())}` });

  it("every route says who may call it", () => {
    expect(declared.length).toBeGreaterThan(12);
    for (const { method, url, access } of declared) expect(access, `${method} ${url}`).toBeDefined();
  });

  it("a route that does not say is not registered, and the api does not start", async () => {
    const without = startApiApp({
      more: async (app) => {
        app.get("/test/open", async () => "secret");
      },
    });
    await expect(without).rejects.toThrow("GET /test/open does not say who may call it");
    const empty = startApiApp({
      more: async (app) => {
        app.get("/test/nobody", { config: { access: [] } }, async () => "secret");
      },
    });
    await expect(empty).rejects.toThrow("does not say who may call it");
  });

  it("nobody gets in without credentials, or with bad ones, but where anyone may", async () => {
    for (const { method, url, access } of declared) {
      const open = access === "anyone" || access === "signature";
      for (const headers of [
        {},
        { authorization: "Bearer gf_unknown" },
        { authorization: "tma hash=00&auth_date=1" },
        { authorization: "Basic YTpi" },
        { cookie: "auth_token=unknown" },
      ]) {
        const answer = await api.inject({ method: method as "GET", url, headers });
        if (!open) expect(answer.statusCode, `${method} ${url}`).toBe(401);
        if (answer.statusCode >= 400) expectError(answer);
      }
    }
  });

  it("each is admitted where its kind is declared, and nowhere else", async () => {
    const callers = { client: await api.bearer(), person: asPerson(), admin: asPerson(ADMIN) };
    for (const { method, url, access } of declared) {
      if (!Array.isArray(access)) continue;
      for (const [kind, headers] of Object.entries(callers)) {
        const { statusCode } = await api.inject({ method: method as "GET", url, headers });
        const admitted = access.includes(kind) || (kind === "admin" && access.includes("person"));
        expect(statusCode === 403, `${kind} at ${method} ${url}: ${statusCode}`).toBe(!admitted);
        expect(statusCode).not.toBe(401);
      }
    }
  });

  it("a bad header is no good beside a good cookie, and an unknown account is told so", async () => {
    const answer = await api.inject({ url: "/api/me", headers: { authorization: "Bearer x", cookie: "auth_token=y" } });
    expect(answer.statusCode).toBe(401);
    const unknown = await api.inject({ url: "/api/me", headers: asPerson(599) });
    expect([unknown.statusCode, unknown.json().error.code]).toEqual([403, "unknown_user"]);
  });

  it("a token counts for its tenant, until it is revoked", async () => {
    const headers = await api.bearer();
    expect((await api.inject({ url: "/test/client", headers })).json()).toEqual({ of: "default" });
    await api.database.inTenant("default", async (tx) => {
      await tx.updateTable("api_tokens").set({ revoked_at: new Date() }).execute();
    });
    expect((await api.inject({ url: "/test/client", headers })).statusCode).toBe(401);
  });
});

describe("what is refused", () => {
  let api: TestApi;
  let away = false;
  beforeAll(async () => {
    api = await startApiApp({
      config: { requestsPerMinute: 1_000, trustedProxies: ["127.0.0.1"] },
      through: (database) => ({
        ...database,
        asApp: (work) =>
          away
            ? Promise.reject(Object.assign(new Error("canary address"), { code: "ECONNREFUSED" }))
            : database.asApp(work),
      }),
      more: async (app) => {
        app.get("/test/fails", { config: { access: "anyone" } }, async () => {
          throw new Error("canary of the inside");
        });
        app.get("/test/refuses", { config: { access: "anyone" } }, async () => {
          throw new ApiError(409, "already", "it is so already");
        });
      },
    });
    await api.app.listen({ host: "127.0.0.1", port: 0 });
  });
  afterAll(() => api.close());

  it.each([
    ["an address that is not there", { url: "/nothing/canary" }, 404, "not_found"],
    ["another method", { url: "/api/me", method: "PUT" as const }, 404, "not_found"],
    ["a malformed address", { url: "/api/%zz" }, 400, "invalid_request"],
    ["no JSON", { ...login("{canary"), url: "/api/login/telegram" }, 400, "invalid_json"],
    ["an empty body", { ...login(""), url: "/api/login/telegram" }, 400, "invalid_json"],
    [
      "a poisoned prototype",
      { ...login('{"__proto__": {"canary": 1}}'), url: "/api/login/telegram" },
      400,
      "invalid_json",
    ],
    ["a field that is not known", { ...login('{"canary": 1}'), url: "/api/login/telegram" }, 400, "invalid_request"],
    ["two proofs", { ...login('{"init_data": "a", "login": {}}'), url: "/api/login/telegram" }, 400, "invalid_request"],
    ["a wrong type", { ...login('{"init_data": 5}'), url: "/api/login/telegram" }, 400, "invalid_request"],
    [
      "another kind of body",
      { url: "/api/login/telegram", method: "POST" as const, headers: { "content-type": "text/xml" }, payload: "<a/>" },
      415,
      "unsupported_media_type",
    ],
    ["what a route refuses", { url: "/test/refuses" }, 409, "already"],
  ])("%s", async (_, options, status, code) => {
    const answer = await api.inject(options);
    expectError(answer);
    expect([answer.statusCode, answer.json().error.code]).toEqual([status, code]);
    expect(answer.body).not.toContain("canary");
  });

  it("a mistake of ours is logged, and not told", async () => {
    const answer = await api.inject({ url: "/test/fails" });
    expect([answer.statusCode, answer.json().error.code]).toEqual([500, "internal"]);
    expect(answer.body).not.toMatch(/canary|at |\.ts/);
    expect(api.logged.join("")).toContain("canary of the inside");
  });

  it("a database that is away is a 503 that says to try again", async () => {
    away = true;
    const answer = await api.inject({ url: "/api/me", headers: { cookie: "auth_token=x" } });
    away = false;
    expect([answer.statusCode, answer.json().error.code]).toEqual([503, "unavailable"]);
    expect(answer.headers["retry-after"]).toBe("5");
    expect(answer.body).not.toContain("canary");
  });

  it("a body of 10 MB is refused before it is read", async () => {
    const { status, body } = await announceTenMegabytes(portOf(api));
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ error: { code: "too_large" } });
  });

  it("one that hides its length is cut off at the limit", async () => {
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = httpRequest(
        {
          port: portOf(api),
          path: "/api/login/telegram",
          method: "POST",
          headers: { "content-type": "application/json" },
        },
        (response) => {
          let body = "";
          response.on("data", (chunk) => {
            body += chunk;
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE" && error.code !== "ECONNRESET") reject(error);
      });
      request.write(Buffer.alloc(512 * 1_024, " "));
      request.end();
    });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: "too_large" } });
  });

  it.each([
    ["what is no HTTP", "canary\r\n\r\n", 400],
    ["headers without end", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(40_000)}\r\n\r\n`, 431],
  ])("%s", async (_, text, status) => {
    const answer = await raw(portOf(api), text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toHaveProperty("error.code");
    expect(answer).not.toContain("canary");
  });

  it("every answer forbids to be framed, sniffed and kept", async () => {
    for (const url of ["/api/me", "/docs", "/nothing"]) {
      const { headers } = await api.inject({ url });
      expect(headers).toMatchObject({
        "content-security-policy": "default-src 'none';frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
      });
      expect(headers["strict-transport-security"]).toBeDefined();
      expect(headers["x-powered-by"]).toBeUndefined();
    }
  });

  it("the log says what was asked, and nothing of what it carried", async () => {
    api.logged.length = 0;
    await api.inject({
      url: "/api/posts?after=canary&channel=canary",
      headers: { authorization: "Bearer canary", cookie: "auth_token=canary", "x-canary": "canary" },
    });
    await api.inject({ url: "/nothing/canary?canary" });
    const lines = api.logged.map((line) => JSON.parse(line));
    expect(lines.filter(({ msg }) => msg === "request answered")).toMatchObject([
      { method: "GET", route: "/api/posts", status: 401 },
      { method: "GET", route: null, status: 404 },
    ]);
    expect(api.logged.join("")).not.toContain("canary");
  });

  it("requests are counted by the route as declared, whatever people put in addresses", async () => {
    const { httpRequests, httpSeconds } = api.metrics;
    const counted = async (labels: Record<string, string>) => (await sampleOf(httpRequests, labels)) ?? 0;
    const posts = { route: "/api/posts", method: "GET", status: "4xx" };
    const none = { route: "none", method: "other", status: "4xx" };
    const before = [await counted(posts), await counted(none), (await sampleOf(httpSeconds)) ?? 0];
    await api.inject({ url: "/api/posts?after=canary" });
    for (const url of ["/canary/1", "/canary/2"]) await api.inject({ method: "OPTIONS", url });
    const after = [await counted(posts), await counted(none), await sampleOf(httpSeconds)];
    expect(after).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 2, (before[2] ?? 0) + 3]);
    expect(JSON.stringify((await httpRequests.get()).values)).not.toContain("canary");
  });
});

describe("too many requests", () => {
  it("are refused for each address, which a trusted proxy alone may name", async () => {
    const api = await startApiApp({ config: { requestsPerMinute: 20, trustedProxies: ["10.0.0.0/8"] } });
    try {
      const ask = (remoteAddress: string, forwarded?: string, url = "/api/me") =>
        api.inject({ url, remoteAddress, headers: forwarded ? { "x-forwarded-for": forwarded } : {} });
      const many = async (count: number, ...from: Parameters<typeof ask>) => {
        let refused = 0;
        for (let asked = 0; asked < count; asked += 1) if ((await ask(...from)).statusCode === 429) refused += 1;
        return refused;
      };
      expect(await many(1_000, "192.0.2.1")).toBe(980);
      const refused = await ask("192.0.2.1");
      expect(refused.json()).toMatchObject({ error: { code: "too_many_requests" } });
      expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
      expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(60);
      // Somebody else is not held, and what is not there is counted with the rest.
      expect(await many(20, "192.0.2.2", undefined, "/nothing")).toBe(0);
      expect(await many(1, "192.0.2.2")).toBe(1);
      // Whoever is no trusted proxy may say what it likes.
      expect(await many(30, "192.0.2.3", "203.0.113.9")).toBe(10);
      expect((await ask("192.0.2.3", "203.0.113.10")).statusCode).toBe(429);
      // Behind a trusted one each is counted apart; what its client claims in front of that is not believed.
      expect(await many(20, "10.1.2.3", "203.0.113.1")).toBe(0);
      expect(await many(20, "10.1.2.3", "203.0.113.2")).toBe(0);
      expect(await many(1, "10.1.2.3", "198.51.100.7, 203.0.113.1")).toBe(1);
      // One network of IPv6 is one address.
      expect(await many(21, "2001:db8::1")).toBe(1);
      expect((await ask("2001:db8::2")).statusCode).toBe(429);
      expect((await ask("2001:db8:0:1::1")).statusCode).toBe(401);
    } finally {
      await api.close();
    }
  });
});

it("has the OpenAPI document that api/openapi.json shows (written anew by `npx vitest run api-base -u`)", async () => {
  const api = await startApiApp();
  try {
    const answer = await api.inject({ url: "/docs" });
    expect(answer.headers["content-type"]).toContain("application/json");
    await expect(`${answer.body}\n`).toMatchFileSnapshot("../../api/openapi.json");
    const paths = Object.entries(answer.json().paths as Record<string, Record<string, { responses: object }>>);
    const documented = paths.flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    const registered = routesOf(api).filter(({ url }) => url !== "/docs");
    expect(documented.sort()).toEqual(
      registered.map(({ method, url }) => `${method.toLowerCase()} ${url.replace(/:(\w+)/g, "{$1}")}`).sort(),
    );
    for (const [, methods] of paths) {
      for (const { responses } of Object.values(methods)) expect(Object.keys(responses)).toContain("4XX");
    }
  } finally {
    await api.close();
  }
});

/** Every route that is registered, as Fastify prints them. */
function routesOf(api: TestApi): { method: string; url: string }[] {
  const found: { method: string; url: string }[] = [];
  const path: string[] = [];
  for (const line of api.app.printRoutes({ commonPrefix: false }).split("\n")) {
    const [, indent = "", url = "", methods = ""] = /^([│├└─\s]*)(\S*) \((.+)\)$/.exec(line) ?? [];
    if (!methods) continue;
    path.length = Math.round(indent.length / 4) - 1;
    path.push(url);
    for (const method of methods.split(", ")) found.push({ method, url: path.join("") });
  }
  // The queues' board has callers and errors of its own, and tests: board-access.
  return found.filter(({ url }) => !/^\/queues(\/|$)/.test(url));
}

function expectError(answer: { statusCode: number; json(): unknown; body: string }): void {
  const { error, ...rest } = answer.json() as { error?: { code?: unknown; message?: unknown } };
  expect(rest).toEqual({});
  expect(Object.keys(error ?? {}).sort()).toEqual(["code", "message"]);
  expect(error?.code).toMatch(/^[a-z_]+$/);
  expect(error?.message).toMatch(/\S/);
  expect(answer.body).not.toMatch(/\bat .*:\d+:\d+|node_modules/);
}

function login(payload: string) {
  return { method: "POST" as const, headers: { "content-type": "application/json" }, payload };
}

function portOf(api: TestApi): number {
  const address = api.app.server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** Announces 10 MB, sends none of it, and gives the answer that comes all the same. */
async function announceTenMegabytes(port: number): Promise<{ status: number; body: string }> {
  const answer = await raw(
    port,
    `POST /api/login/telegram HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${10 * 1_024 * 1_024}\r\n\r\n`,
  );
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body };
}

/** Sends a text, nothing after it, and gives what comes back until the other side closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
