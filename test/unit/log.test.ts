import { expect, test } from "vitest";
import { createLog } from "../../runtime/log.ts";

function logged(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  const log = createLog({ level: "info", name: "test", destination: { write: (line) => void lines.push(line) } });
  log.info(fields, "event happened");
  return JSON.parse(lines.join("")) as Record<string, unknown>;
}

test("a secret's field never shows its value, down to the third level", () => {
  const fields = {
    session: "canary",
    password: "canary",
    account: { authKey: "canary", api_hash: "canary" },
    job: { data: { token: "canary", code: "canary" } },
  };
  expect(JSON.stringify(logged(fields))).not.toContain("canary");
});

test("what is no secret is there, with process and UTC time", () => {
  const line = logged({ api_id: 12, method: "messages.getHistory" });
  expect(line).toMatchObject({ api_id: 12, method: "messages.getHistory", process: "test", msg: "event happened" });
  expect(line.time).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/);
});

test("an error says what went wrong, and nothing that a library hung on it", () => {
  const error = Object.assign(new Error("refused", { cause: new Error("deeper") }), {
    code: "ECONNREFUSED",
    client: { secretKey: "canary", connectionParameters: { host: "canary" } },
  });
  const line = logged({ err: error });
  expect(line.err).toMatchObject({
    type: "Error",
    message: "refused",
    reason: "ECONNREFUSED",
    cause: { message: "deeper" },
  });
  expect(JSON.stringify(line)).not.toContain("canary");
});
