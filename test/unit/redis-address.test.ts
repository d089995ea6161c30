import { expect, it } from "vitest";
import { loadConfig } from "../../config/load.ts";
import { readRedisAddress } from "../../runtime/redis-address.ts";

const nobody = { username: null, password: null };

it("one server is left to the client's own reading", () => {
  for (const url of ["redis://a:1/2", "rediss://user:p%40ss@a"])
    expect(readRedisAddress(url)).toEqual({ kind: "server", url });
});

it("a socket, with its database", () => {
  expect(readRedisAddress("unix:///run/a%20b.sock?db=3")).toEqual({
    kind: "socket",
    path: "/run/a b.sock",
    db: 3,
    ...nobody,
  });
});

it("some nodes of a cluster, with TLS and credentials or without", () => {
  expect(readRedisAddress("redis+cluster://a:7000,b,[::1]:7002")).toEqual({
    ...{ kind: "cluster", tls: false, ...nobody },
    nodes: [
      { host: "a", port: 7000 },
      { host: "b", port: 6379 },
      { host: "::1", port: 7002 },
    ],
  });
  expect(readRedisAddress("rediss+cluster://fleet:p%40ss:word@a/")).toMatchObject({
    ...{ kind: "cluster", tls: true, username: "fleet", password: "p@ss:word" },
  });
  expect(readRedisAddress("redis+cluster://:secret@a")).toMatchObject({ username: null, password: "secret" });
});

it("a primary that sentinels know", () => {
  expect(readRedisAddress("rediss+sentinel://:p@a,b:26380/main?db=2&sentinelUsername=s&sentinelPassword=t")).toEqual({
    ...{ kind: "sentinel", tls: true, name: "main", db: 2, username: null, password: "p" },
    ...{ sentinelUsername: "s", sentinelPassword: "t" },
    sentinels: [
      { host: "a", port: 26379 },
      { host: "b", port: 26380 },
    ],
  });
});

it.each([
  ["http://a", /begin with/],
  ["redis+cluster://", /name a host/],
  ["redis+cluster://hunter2@a:1,b:x", /host:port/],
  ["redis+cluster://hunter2@a:99999", /host:port/],
  ["redis+cluster://hunter2@a,,b", /host:port/],
  ["redis+cluster://hunter2@a/1", /no database/],
  ["redis+cluster://hunter2@a?db=1", /no database/],
  ["redis+sentinel://hunter2@a", /name the primary/],
  ["redis+sentinel://hunter2@a/main?db=x", /number/],
  ["redis+sentinel://hunter2%@a/main", /percent-encoded/],
])("%s is refused in one line, and nothing secret is repeated", (url, why) => {
  const refused = () => loadConfig({ REDIS_URL: url });
  expect(refused).toThrow(why);
  expect(refused).toThrow(/^configuration: REDIS_URL must [^\n]+$/);
  expect(refused).not.toThrow(/hunter2/);
});
