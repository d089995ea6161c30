import { randomBytes } from "node:crypto";
import { AuthKey } from "telegram/crypto/AuthKey.js";
import { createAuthKeyStore } from "../../emulator/dc/auth-keys.ts";
import { startCluster } from "../../emulator/dc/cluster.ts";
import type { Faults } from "../../emulator/dc/faults.ts";
import { throwawayRsaKey } from "../../emulator/dc/rsa-key.ts";
import { createFloods } from "../../emulator/floods.ts";
import { tokenOfLink } from "../../emulator/login-link.ts";
import { createRefusals, gateOf } from "../../emulator/refusals.ts";
import { createAccess } from "../../emulator/services/access.ts";
import { DEFAULT_RULES, type ServiceDeps } from "../../emulator/services/deps.ts";
import { createHandlers } from "../../emulator/services/handlers.ts";
import { createLoginTokens } from "../../emulator/services/login-tokens.ts";
import { createLogins } from "../../emulator/services/logins.ts";
import { createWitness } from "../../emulator/witness.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import type { ConnectOptions } from "../../telegram/connection.ts";
import { writeSession } from "../../telegram/gramjs/session-string.ts";
import { type CallPolicy, openGate } from "../../telegram/policy.ts";

/** No limits and no ledger: what is called, is called. */
export const plainPolicy: CallPolicy = { run: (_call, invoke) => invoke() };

/** Somebody's own API ID, which is no master's. */
export const OWN_API = { apiId: 424_242, apiHash: "0123456789abcdef0123456789abcdef" };
const API = { apiId: 1001, apiHash: "a".repeat(32) };
/** Takes logins while {@link API} is refused. */
export const BACKUP_API = { apiId: 1009, apiHash: "9".repeat(32) };

/** An emulated Telegram of two data centers on loopback, without limits, for tests of the wire. Close it. */
export async function startWireTelegram() {
  const clock = systemClock;
  const world = createWorld({ clock });
  const rsa = throwawayRsaKey();
  const keys = createAuthKeyStore();
  const witness = createWitness();
  const floods = createFloods({ clock, pace: 1, buckets: null });
  const refusals = createRefusals();
  const faults: Faults = {};
  const secret = randomBytes(32);
  const access = createAccess(world, secret);
  const logins = createLogins(clock);
  const tokenRules = { seconds: 30, pushes: true };
  const loginTokens = createLoginTokens({
    get seconds() {
      return tokenRules.seconds;
    },
    push: (keyId, update) => (tokenRules.pushes ? cluster.push(keyId, update) : 0),
    ...{ world, logins, keys, clock },
  });
  const deps: ServiceDeps = {
    world,
    access,
    logins,
    loginTokens,
    dataCenters: () => cluster.addresses,
    apiIds: [API, OWN_API, BACKUP_API],
    secret,
    rules: DEFAULT_RULES,
  };
  const handlers = new Map(createHandlers(deps));
  const cluster = await startCluster({
    dataCenters: [1, 2].map((id) => ({ id, port: 0 })),
    host: "127.0.0.1",
    rsa,
    keys,
    handlers,
    floods: gateOf(refusals, floods),
    witness,
    clock,
    log: silentLog,
    faults,
  });
  const dataCenters = { addresses: cluster.addresses, publicKeyPem: rsa.publicKeyPem };

  return {
    world,
    keys,
    access,
    witness,
    floods,
    refusals,
    /** May be changed at any time. */
    faults,
    /** Codes under way, and phones that are banned. */
    logins,
    /** How long login tokens live, and whether clients are told that one was accepted. May be changed at any time. */
    tokenRules,
    /** This account's person scans a login link. */
    scan: (link: string, telegramId: bigint) => void loginTokens.accept(tokenOfLink(link), telegramId),
    /** May be changed at any time. */
    handlers,
    cluster,
    dataCenters,
    /** Options to connect with; a session of "" makes a new key. */
    options: (session: string, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
      session,
      api: API,
      dataCenters,
      gate: openGate,
      policy: plainPolicy,
      times: {
        connectDeadlineMs: 10_000,
        callDeadlineMs: 10_000,
        pingEveryMs: 5_000,
        pingDisconnectMs: 12_000,
        closeWaitMs: 1_000,
      },
      log: silentLog,
      ...more,
    }),
    /** A StringSession that is logged in as this account. */
    async planted(accountId: bigint, dcId = 2): Promise<string> {
      const key = randomBytes(256);
      keys.plant({ key, dcId, accountId, apiId: API.apiId });
      return sessionOf(key, dcId);
    },
    close: () => cluster.close(),
  };
}

export type WireTelegram = Awaited<ReturnType<typeof startWireTelegram>>;

/** A StringSession of this key. */
export async function sessionOf(key: Buffer, dcId = 2): Promise<string> {
  const authKey = new AuthKey();
  await authKey.setKey(key);
  return writeSession(dcId, "127.0.0.1", authKey);
}
