import type { ChannelTruth } from "./audit.ts";
import type { PlantedAccount } from "./seed.ts";

/** The emulator as the judge of a run: what it saw, and what is on it. */
export interface Witness {
  /** The emulated people, logged in already. */
  accounts(): Promise<readonly PlantedAccount[]>;
  channels(): Promise<readonly { readonly id: bigint; readonly username: string | null }[]>;
  /** What is in a channel now. */
  channel(id: bigint): Promise<ChannelTruth>;
  /** Calls made before a wait's end, and keys killed because two connections used them. */
  summary(): Promise<{ readonly violations: number; readonly keysKilled: number }>;
  /** Lets posts, edits and deletions go on, or stops them. */
  setTraffic(running: boolean): Promise<void>;
}

/** Over the control socket of a running emulator. */
export async function openWitness(controlSocket: string): Promise<Witness> {
  // Not in production images: only `up` and the emulator's own command reach for the emulator.
  const { createControlClient } = await import("../../emulator/control-client.ts");
  const client = createControlClient(controlSocket);
  return {
    accounts: () => client.accounts(),
    channels: () => client.channels(),
    channel: (id) => client.audit(id),
    summary: () => client.summary(),
    setTraffic: (running) => client.setTraffic(running),
  };
}
