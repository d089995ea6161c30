import { describe, expect, test } from "vitest";
import { judgeBackups, judgeInstallation } from "../../cli/health/custody.ts";
import type { Installation } from "../../db/installation.ts";

const now = new Date("2026-01-08T12:00:00Z");
const DAY_MS = 86_400_000;
const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const made = (hours: number) => ({
  ...{ file: "/backups/one", sessions: 12, bytes: 34_000, host: "ada", endedAt: ago(hours) },
});

describe("backups", () => {
  const judge = (soFar: Partial<Parameters<typeof judgeBackups>[0]>, scheduled = true) =>
    judgeBackups({ newest: null, failure: null, ...soFar }, { scheduled, everyMs: DAY_MS, now });

  test.each([
    ["none yet", {}, true, "ok", /none was made yet/],
    ["of today", { newest: made(3) }, true, "ok", /^12 sessions 3 h ago on ada$/],
    ["too old", { newest: made(30) }, true, "degraded", /the newest is old/],
    [
      "failing",
      { newest: made(3), failure: { error: "no room", host: "bob", endedAt: ago(1) } },
      true,
      "degraded",
      /failed on bob .*: no room/,
    ],
    ["switched off", {}, false, "off", /ENABLE_SESSION_BACKUP/],
    ["made by hand", { newest: made(300) }, false, "off", /^by hand: 12 sessions/],
  ] as const)("%s", (_, soFar, scheduled, state, says) => {
    const found = judge(soFar, scheduled);
    expect(found.state).toBe(state);
    expect(found.says).toMatch(says);
    expect(found.todo !== undefined).toBe(state === "degraded");
  });
});

describe("installation", () => {
  const installation: Installation = {
    ...{ id: "one", systemIdentifier: "7", databaseOid: 5n, installId: "home-of-ada", counter: 1n, nonce: "n" },
    ...{ begunAt: now, retiringAt: null, retiredAt: null },
  };
  const here = { systemIdentifier: "7", databaseOid: 5n, timeline: null };
  const judge = (of: Partial<Parameters<typeof judgeInstallation>[0]>, installId: string | null = "home-of-ada") =>
    judgeInstallation({ here, installation, refused: null, kept: [], ...of }, installId);

  test.each([
    ["ours", judge({}), "ok", /^ours since/],
    ["none yet", judge({ installation: null }), "ok", /first process/],
    ["without a name", judge({ installation: { ...installation, installId: null } }, null), "ok", /without a name/],
    [
      "with a name that is not written",
      judge({ installation: { ...installation, installId: null } }),
      "degraded",
      /INSTALL_ID/,
    ],
    ["copied", judge({ refused: "other_database" }), "down", /no session is opened/],
    ["retired", judge({ refused: "retired" }), "down", /was retired/],
  ] as const)("%s", (_, found, state, says) => {
    expect(found.state).toBe(state);
    expect(found.says).toMatch(says);
    expect(found.todo !== undefined).toBe(state !== "ok");
  });
});
