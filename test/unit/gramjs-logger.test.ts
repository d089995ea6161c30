import { pino } from "pino";
import { type Logger, LogLevel } from "telegram/extensions/Logger.js";
import { expect, it, vi } from "vitest";
import { QuietLogger } from "../../telegram/gramjs/logger.ts";

it("keeps GramJS off the console, and its info and debug lines, which hold answers, out of the log", () => {
  const lines: string[] = [];
  const printed = [vi.spyOn(console, "log"), vi.spyOn(console, "error")];
  const logger: Logger = new QuietLogger(pino({ level: "trace" }, { write: (line) => lines.push(line) }));
  logger.info("Received response without parent request: canary");
  logger.debug("canary");
  logger.warn(`Security error ${"x".repeat(500)}`);
  logger.error("canary-free");
  expect(logger.canSend(LogLevel.ERROR)).toBe(false);
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain("Received response");
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 20, library: "gramjs" });
  expect(JSON.parse(lines[0]!).msg.length).toBeLessThan(200);
});
