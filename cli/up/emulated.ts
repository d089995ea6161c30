import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { CurrentWorld, WorldChoice } from "../world.ts";
import { type Child, startChild } from "./children.ts";

/** What the emulator says of itself once it is ready. */
const EmulatorDetails = z.object({
  dataCenters: z.array(z.object({ id: z.number(), host: z.string(), port: z.number() })),
  publicKeyFile: z.string(),
  apiIds: z.array(z.object({ apiId: z.number(), apiHash: z.string() })),
  botApiRoot: z.string().optional(),
});

/** An emulated Telegram in a process of its own. */
export interface EmulatedTelegram {
  readonly child: Child;
  /** The unix socket of its witness. */
  readonly control: string;
  /** What every process of gramfleet is told to find it. */
  readonly env: Readonly<Record<string, string>>;
  readonly where: string;
  close(): Promise<void>;
}

/** Starts the emulator on a world's directory; a world that is there already goes on where it stopped. */
export async function startEmulated(options: {
  world: Omit<CurrentWorld, "env">;
  choice: WorldChoice;
  pace: number;
  /** No waits are handed out. */
  noLimits?: boolean;
  /** There is a bot with this token. */
  botToken?: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
}): Promise<EmulatedTelegram> {
  mkdirSync(options.world.dir, { recursive: true, mode: 0o700 });
  // Short, since a unix socket's path has 107 bytes at most.
  const socketDir = mkdtempSync(join(tmpdir(), "gramfleet-"));
  const control = join(socketDir, "control.sock");
  const child = startChild({
    name: "emulator",
    args: [
      "emulator",
      ...["--dir", options.world.dir, "--control", control, "--pace", String(options.pace)],
      ...["--users", String(options.choice.users), "--channels", String(options.choice.channels)],
      ...options.choice.files.flatMap((file) => ["--world", file]),
      ...(options.noLimits ? ["--no-limits"] : []),
      ...(options.botToken === undefined ? [] : ["--bot", options.botToken]),
    ],
    env: options.env,
    logFile: options.logFile,
  });
  const close = async () => {
    await child.stop(10_000);
    rmSync(socketDir, { recursive: true, force: true });
  };
  try {
    const details = EmulatorDetails.parse((await child.ready).details);
    return {
      child,
      control,
      close,
      where: details.dataCenters.map((dc) => `${dc.id}@${dc.host}:${dc.port}`).join(", "),
      env: {
        MASTER_API_IDS: details.apiIds.map((api) => api.apiId).join(","),
        MASTER_API_HASHES: details.apiIds.map((api) => api.apiHash).join(","),
        TELEGRAM_DC: details.dataCenters.map((dc) => `${dc.id}@${dc.host}:${dc.port}`).join(","),
        TELEGRAM_DC_PUBLIC_KEY: details.publicKeyFile,
        EMULATOR_PACE: String(options.pace),
        ...(options.botToken !== undefined && details.botApiRoot !== undefined
          ? { BOT_TOKEN: options.botToken, BOT_API_ROOT: details.botApiRoot }
          : {}),
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
