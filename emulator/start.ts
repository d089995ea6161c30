import { hkdfSync } from "node:crypto";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type BotApi, type BotOptions, startBotApi } from "./bot-api/start.ts";
import { type Control, startControl } from "./control.ts";
import type { ControlAccount, ControlSummary } from "./control-protocol.ts";
import { openDataDir } from "./data-dir.ts";
import type { AuthKeyStore } from "./dc/auth-keys.ts";
import { type Cluster, startCluster } from "./dc/cluster.ts";
import type { Faults } from "./dc/faults.ts";
import type { FloodBucket } from "./flood-buckets.ts";
import { createFloods, type Floods } from "./floods.ts";
import { openAuthKeys } from "./keys.ts";
import { tokenOfLink } from "./login-link.ts";
import { withInboxes } from "./phone-inboxes.ts";
import { createRefusals, gateOf, type Refusals } from "./refusals.ts";
import { createAccess } from "./services/access.ts";
import { type ApiIdPair, type DataCenterAddress, DEFAULT_RULES, type ServiceRules } from "./services/deps.ts";
import { createHandlers } from "./services/handlers.ts";
import { createLoginTokens } from "./services/login-tokens.ts";
import { createLogins } from "./services/logins.ts";
import { sessionString } from "./session-string.ts";
import { countChanges, createTrafficSwitch } from "./traffic-switch.ts";
import { createWitness, type QuestionableWitness } from "./witness.ts";
import { plantAccounts } from "./world/accounts.ts";
import type { World } from "./world/model.ts";
import { openWorld } from "./world/open.ts";

const HOST = "127.0.0.1";
const DC_IDS = [1, 2, 3];

/** Made up: no application of Telegram's has them. */
export const DEFAULT_API_IDS: readonly ApiIdPair[] = [
  { apiId: 910_001, apiHash: "0e5f0f6d1c2b4a59882f0c6ad7b1e3a1" },
  { apiId: 910_002, apiHash: "5b8a2c9e7d3f41608c1d9b7f2e6a4c02" },
  { apiId: 910_003, apiHash: "c47d1e8b3a9642f5907e5d3c8f1b6a93" },
];

/** A busy channel's; with 40 channels at pace 60 it makes 1.5 posts a second. */
const POSTS_PER_CHANNEL_AND_DAY = 54;

/** How long a QR login's token lives (core.telegram.org/api/qr-login); shorter at a higher pace, at least a second. */
const LOGIN_TOKEN_SECONDS = 30;

export interface EmulatorOptions {
  /** Where world, keys and ports are kept, to go on there next time; null: nowhere. */
  readonly dir: string | null;
  readonly users: number;
  readonly channels: number;
  /** Limits, the seconds handed out and traffic run so many times faster. */
  readonly pace: number;
  /** Telegram Desktop exports; every user follows their channels. */
  readonly worldFiles: readonly string[];
  readonly seed: string | number;
  readonly log: Log;
  /** Whom `auth.sendCode` takes; DEFAULT_API_IDS unless given. Accounts are planted over them by `id mod N`. */
  readonly apiIds?: readonly ApiIdPair[];
  /** Over all channels; 0: nothing happens by itself. */
  readonly postsPerMinute?: number;
  /** A unix socket for other processes (control-client.ts). */
  readonly controlSocket?: string;
  /** One for each of the three data centers; 0: the one it had last time, or any free one. */
  readonly ports?: readonly number[];
  readonly clock?: Clock;
  /** Limits by method; null: none. Telegram's unless given. */
  readonly buckets?: Readonly<Record<string, FloodBucket>> | null;
  readonly rules?: Partial<ServiceRules>;
  /** A bot, and the Bot API over HTTP on loopback. */
  readonly bot?: BotOptions;
  readonly faults?: Faults;
  /** How many events a channel keeps for differences. */
  readonly maxEvents?: number;
}

/** A Telegram of our own, running in this process. */
export interface Emulator {
  readonly dataCenters: readonly DataCenterAddress[];
  /** PKCS#1, as TELEGRAM_DC_PUBLIC_KEY names a file of. */
  readonly publicKeyPem: string;
  readonly apiIds: readonly ApiIdPair[];
  /** The people, logged in already, and what they followed at the start. */
  readonly accounts: readonly ControlAccount[];
  readonly world: World;
  readonly witness: QuestionableWitness;
  readonly floods: Floods;
  readonly refusals: Refusals;
  readonly keys: AuthKeyStore;
  readonly cluster: Cluster;
  readonly control: { readonly path: string } | null;
  /** Null where there is no bot. */
  readonly botApi: BotApi | null;
  /** The access hash under which an account knows a channel. */
  channelHash(accountId: bigint, channelId: bigint): bigint;
  /**
   * The person of this account scans a login link (`tg://login?token=…`) with their phone and accepts it.
   *
   * @throws where it is no such link, or Telegram would refuse it: AUTH_TOKEN_EXPIRED, …
   */
  scan(link: string, telegramId: bigint): void;
  summary(): ControlSummary;
  /** No post, edit or deletion happens by itself any more. */
  stopTraffic(): void;
  close(): Promise<void>;
}

/**
 * Starts it all: world, data centers, services, traffic, control socket.
 *
 * @throws OperatorError where a world file is no export, the directory holds another world, or a port is taken
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const lifecycle = new Lifecycle(options.log);
  try {
    return await start(options, lifecycle);
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function start(options: EmulatorOptions, lifecycle: Lifecycle): Promise<Emulator> {
  const { seed, log, pace, clock = systemClock, apiIds = DEFAULT_API_IDS } = options;
  const dataDir = openDataDir(options.dir);
  const opened = openWorld({
    dir: options.dir,
    seed,
    users: options.users,
    channels: options.channels,
    files: options.worldFiles,
    dcIds: DC_IDS,
    clock,
    ...(options.maxEvents === undefined ? {} : { maxEvents: options.maxEvents }),
  });
  lifecycle.own("world", opened, ({ close }) => close());
  const { world } = opened;
  const changes = countChanges(world);
  const planted = plantAccounts(world, { seed, apiIds: apiIds.map(({ apiId }) => apiId) });
  const keys = openAuthKeys(planted.keys, opened.journal);

  const secret = Buffer.from(hkdfSync("sha256", String(seed), "gramfleet emulator", "services", 32));
  const access = createAccess(world, secret);
  const witness = createWitness();
  const refusals = createRefusals();
  const floods = createFloods({ clock, pace, ...(options.buckets === undefined ? {} : { buckets: options.buckets }) });
  const addresses: DataCenterAddress[] = [];
  const { logins, codesOf } = withInboxes(createLogins(clock, pace));
  const loginTokens = createLoginTokens({
    seconds: Math.max(1, Math.round(LOGIN_TOKEN_SECONDS / pace)),
    // Nobody shows a token before the data centers listen.
    push: (keyId, update) => cluster.push(keyId, update),
    ...{ world, logins, keys, clock },
  });
  const scan = (link: string, telegramId: bigint) => void loginTokens.accept(tokenOfLink(link), telegramId);
  const handlers = createHandlers({
    world,
    access,
    logins,
    loginTokens,
    dataCenters: () => addresses,
    apiIds,
    secret,
    rules: { ...DEFAULT_RULES, ...options.rules },
  });
  const listen = (ports: readonly number[]) =>
    startCluster({
      host: HOST,
      dataCenters: DC_IDS.map((id, index) => ({ id, port: ports[index] ?? 0 })),
      rsa: dataDir.rsa,
      keys,
      handlers,
      floods: gateOf(refusals, floods),
      witness,
      clock,
      log,
      ...(options.faults ? { faults: options.faults } : {}),
    });
  const asked = DC_IDS.map((_, index) => options.ports?.[index] ?? 0);
  const cluster = lifecycle.own("data centers", await listenAgain(asked, dataDir.lastPort, listen), (running) =>
    running.close(),
  );
  addresses.push(...cluster.addresses);
  dataDir.rememberPorts(addresses);

  const botApi = options.bot
    ? lifecycle.own("Bot API", await startBotApi({ ...options.bot, world, clock, log, codesOf, scan }), (api) =>
        api.close(),
      )
    : null;

  const postsPerMinute = options.postsPerMinute ?? (options.channels * pace * POSTS_PER_CHANNEL_AND_DAY) / (24 * 60);
  const traffic = createTrafficSwitch(world, { seed, clock, postsPerMinute });
  lifecycle.own("traffic", traffic, (running) => running.set(false));

  const accounts = planted.accounts.map((account): ControlAccount => {
    const { telegramId, phone, apiId, dcId, keyHex, follows } = account;
    const session = sessionString(dcId, HOST, Buffer.from(keyHex, "hex"));
    const premium = world.users.get(telegramId)?.premium ?? false;
    return { telegramId, phone, apiId, dcId, premium, session, follows: [...follows] };
  });
  const summary = (): ControlSummary => ({
    users: world.users.size,
    channels: world.channels.size,
    pace,
    trafficRunning: traffic.running,
    ...changes,
    ...countsOf(witness),
  });
  let control: Control | null = null;
  if (options.controlSocket) {
    control = lifecycle.own(
      "control socket",
      await startControl(options.controlSocket, {
        world,
        floods,
        refusals,
        keys,
        now: () => clock.now(),
        summary,
        accounts: () => accounts,
        setTraffic: (running) => traffic.set(running),
        scan,
        botApi: () => botApi,
      }),
      (listening) => listening.close(),
    );
  }
  return {
    dataCenters: addresses,
    publicKeyPem: dataDir.rsa.publicKeyPem,
    apiIds,
    accounts,
    world,
    witness,
    floods,
    refusals,
    keys,
    cluster,
    control: control && { path: control.path },
    botApi,
    channelHash: access.channelHash,
    scan,
    summary,
    stopTraffic: () => traffic.set(false),
    close: () => lifecycle.close(),
  };
}

/** Takes the ports of last time where none were asked for; where one of those is taken by now, any free ones. */
async function listenAgain(
  asked: readonly number[],
  lastPort: (dcId: number) => number,
  listen: (ports: readonly number[]) => Promise<Cluster>,
): Promise<Cluster> {
  const remembered = asked.map((port, index) => (port === 0 ? lastPort(DC_IDS[index]!) : port));
  try {
    return await listen(remembered).catch((error) => {
      if (isTaken(error) && remembered.some((port, index) => port !== asked[index])) return listen(asked);
      throw error;
    });
  } catch (error) {
    if (!isTaken(error)) throw error;
    const ports = asked.filter((port) => port !== 0).join(", ");
    throw new OperatorError(`one of the ports ${ports} is taken: choose others for the data centers`, { cause: error });
  }
}

const isTaken = (error: unknown) => error instanceof Error && "code" in error && error.code === "EADDRINUSE";

/** The witness's counters without those by account: with many users that would be most of the answer. */
function countsOf(witness: QuestionableWitness) {
  const { callsByAccount: _, ...counts } = witness.summary();
  return counts;
}
