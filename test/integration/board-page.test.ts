import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createProducer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { startApiApp, type TestApi } from "../support/api.ts";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function start(given: Parameters<typeof startApiApp>[0] = {}): Promise<TestApi> {
  const api = await startApiApp(given);
  opened.push(api);
  return api;
}

let api: TestApi;
beforeAll(async () => {
  api = await startApiApp();
});
afterAll(() => api?.close());

describe("where nobody has a password", () => {
  it("is for the machine that it runs on, as an admin", async () => {
    expect((await api.inject({ url: "/queues" })).statusCode).toBe(200);
    expect((await api.inject({ url: "/queues/account" })).body).toContain("Nobody has a password yet");
    expect((await api.inject({ url: "/queues/sign-in" })).headers.location).toBe("/queues");
    const pause = { method: "PUT", url: "/queues/api/queues/pause" } as const;
    expect((await api.inject({ ...pause, headers: { "sec-fetch-site": "same-origin" } })).statusCode).toBe(200);
    // A page of somebody else's, open in a browser on this machine.
    expect((await api.inject({ ...pause, headers: { "sec-fetch-site": "cross-site" } })).statusCode).toBe(403);
    expect((await api.inject({ ...pause, headers: { origin: "https://evil.example" } })).statusCode).toBe(403);
  });

  it.each([
    { remoteAddress: "10.0.0.1" },
    { headers: { "x-forwarded-for": "127.0.0.1" } },
    { headers: { "x-forwarded-host": "localhost" } },
    { headers: { forwarded: "for=127.0.0.1" } },
    { headers: { "x-real-ip": "127.0.0.1" } },
    { headers: { host: "board.example.org" } },
  ])("is for nobody who may be elsewhere: %j", async (from) => {
    for (const url of ["/queues", "/queues/api/queues", "/queues/static/images/logo.svg"]) {
      const answer = await api.inject({ url, ...from });
      expect(answer.statusCode, url).toBe(403);
      expect(answer.body).toMatch(/nobody has a password here/i);
    }
  });

  it("believes no proxy that it is this machine, and is for nobody where people come by one", async () => {
    const proxied = await start({ config: { trustedProxies: ["10.0.0.0/8"] } });
    const forged = { url: "/queues", remoteAddress: "10.0.0.1", headers: { "x-forwarded-for": "127.0.0.1" } };
    expect((await proxied.inject(forged)).statusCode).toBe(403);
    const published = await start({ config: { board: { users: [], published: true } } });
    expect((await published.inject({ url: "/queues" })).statusCode).toBe(403);
  });
});

describe("the page", () => {
  it("loads scripts, styles and fonts from here alone", async () => {
    const page = await api.inject({ url: "/queues/queue/parse-1001" });
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(page.body).not.toContain("<%");
    const policy = String(page.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect(policy).not.toMatch(/https?:/);
    const asked = [...page.body.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => `/queues/${path}`);
    expect(asked.length).toBeGreaterThan(5);
    for (const url of asked) {
      const file = await api.inject({ url });
      expect(file.statusCode, url).toBe(200);
      expect(file.headers["content-type"], url).toMatch(/javascript|css|image/);
      if (/\.(js|css)$/.test(url)) expect(file.headers["cache-control"], url).toMatch(/^private, .*immutable$/);
    }
  });

  it("gives no file but its own", async () => {
    for (const path of ["../index.ejs", "..%2findex.ejs", "%2e%2e/package.json", "/etc/passwd", "js/none.js"])
      expect((await api.inject({ url: `/queues/static/${path}` })).statusCode, path).toBe(404);
  });

  it("says that Redis is away, and the rest of the api goes on", async () => {
    const redis = openRedis("unix:///nonexistent/redis.sock", "producer");
    const producer = createProducer({ redis, prefix: "away", log: silentLog, timeoutMs: 300 });
    opened.push({ close: () => redis.disconnect() });
    const away = await start({ queues: () => producer.openQueues() });
    const page = await away.inject({ url: "/queues" });
    expect(page.statusCode).toBe(503);
    expect(page.headers["content-type"]).toContain("text/html");
    expect(page.body).toContain("Redis does not answer");
    const asked = await away.inject({ url: "/queues/api/queues" });
    expect([asked.statusCode, asked.json().code]).toEqual([503, "unavailable"]);
    const put = {
      method: "PUT",
      url: "/queues/api/queues/pause",
      headers: { "sec-fetch-site": "same-origin" },
    } as const;
    expect((await away.inject(put)).statusCode).toBe(503);
    expect((await away.inject({ url: "/docs" })).statusCode).toBe(200);
  });
});
