import { randomBytes } from "node:crypto";
import { type AuthKeyStore, createAuthKeyStore } from "../../emulator/dc/auth-keys.ts";
import { type DataCenter, type DataCenterOptions, startDataCenter } from "../../emulator/dc/data-center.ts";
import { type RsaKey, throwawayRsaKey } from "../../emulator/dc/rsa-key.ts";
import type { FloodGate, Handler } from "../../emulator/dc/service.ts";
import { encodeConfig, encodeNearestDc } from "../../emulator/tl/write-config.ts";
import { createWitness, type QuestionableWitness } from "../../emulator/witness.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";

export interface TestDc extends AsyncDisposable {
  readonly dc: DataCenter;
  readonly rsa: RsaKey;
  readonly keys: AuthKeyStore;
  readonly witness: QuestionableWitness;
  /** May be changed at any time. */
  readonly handlers: Map<string, Handler>;
  /** Plants a key of an account and gives it. */
  plant(accountId: bigint, dcId?: number): Buffer;
}

let rsa: RsaKey | null = null;

/** A data center alone, with help.GetConfig, help.GetNearestDc and whatever a test adds. */
export async function testDc(options: Partial<DataCenterOptions> = {}): Promise<TestDc> {
  rsa ??= throwawayRsaKey();
  const keys = createAuthKeyStore();
  const witness = createWitness();
  const handlers = new Map<string, Handler>([
    ["help.GetConfig", () => config(dc.port)],
    ["help.GetNearestDc", () => encodeNearestDc(2)],
  ]);
  const dc = await startDataCenter({
    id: 2,
    host: "127.0.0.1",
    port: 0,
    rsa,
    keys,
    handlers,
    floods: noFloods,
    witness,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  return {
    dc,
    rsa,
    keys,
    witness,
    handlers,
    plant(accountId, dcId = 2) {
      const key = randomBytes(256);
      keys.plant({ key, dcId, accountId, apiId: 1001 });
      return key;
    },
    [Symbol.asyncDispose]: () => dc.close(),
  };
}

const noFloods: FloodGate = { take: () => null };

function config(port: number): Buffer {
  const date = Math.floor(Date.now() / 1000);
  return encodeConfig({ date, thisDc: 2, dataCenters: [{ id: 2, host: "127.0.0.1", port }] });
}
