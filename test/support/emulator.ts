import { type Emulator, type EmulatorOptions, startEmulator } from "../../emulator/start.ts";
import { silentLog } from "../../runtime/log.ts";

/**
 * A small emulated Telegram in this process: nothing happens by itself, no limits, nothing kept. Whatever a test is about
 * goes into `overrides`: `buckets: TELEGRAM_BUCKETS`, `postsPerMinute: 600`, …
 */
export function startTestEmulator(overrides: Partial<EmulatorOptions> = {}): Promise<Emulator> {
  return startEmulator({
    dir: null,
    users: 3,
    channels: 4,
    pace: 1,
    worldFiles: [],
    seed: "test",
    postsPerMinute: 0,
    buckets: null,
    log: silentLog,
    ...overrides,
  });
}
