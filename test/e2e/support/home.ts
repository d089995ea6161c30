import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../../../db/client.ts";
import { addUser } from "../../../db/users.ts";
import { silentLog } from "../../../runtime/log.ts";
import { BOT_TOKEN, initDataOf, TENANT } from "../../support/api.ts";
import { fileDataDir } from "../../support/data-dir.ts";
import { prepareCommands, startGramfleet } from "../../support/gramfleet.ts";
import { testDatabase, testRedis } from "../../support/services.ts";
import { startWireTelegram } from "../../support/wire-telegram.ts";

/** Somebody with an account at Telegram, who may be a user here. */
export interface Person {
  readonly telegramId: bigint;
  readonly phone: string;
}

/**
 * What a story happens in: a Telegram of our own, PostgreSQL, Redis, and the api as a process. Call `prepareHome` at a
 * file's top, and the function that it gives once the tests run.
 */
export function prepareHome() {
  prepareCommands();
  const dir = fileDataDir();
  return async () => {
    const telegram = await startWireTelegram();
    const place = await testDatabase();
    const redis = testRedis();
    const database = openDatabase({ url: place.url, poolSize: 2, fencedStatementMs: 5_000, log: silentLog });
    const publicKey = join(dir, "dc.pem");
    writeFileSync(publicKey, telegram.dataCenters.publicKeyPem);
    let people = 0;

    const env = {
      ...{ DATABASE_URL: place.url, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix, API_PORT: "0", BOT_TOKEN },
      MASTER_API_IDS: "1001",
      MASTER_API_HASHES: "a".repeat(32),
      SESSION_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 1).toString("base64")}`,
      TELEGRAM_DC: telegram.dataCenters.addresses.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
      TELEGRAM_DC_PUBLIC_KEY: publicKey,
      API_REQUESTS_PER_MINUTE: "100000",
    };
    const initData = (telegramId: bigint, language = "en") =>
      initDataOf(Number(telegramId), Date.now(), {
        more: { user: JSON.stringify({ id: Number(telegramId), first_name: "Ada", language_code: language }) },
      });

    return {
      telegram,
      database,
      initData,
      /** Starts the api, on a port of its own; ended with the file. */
      async startApi(more: NodeJS.ProcessEnv = {}) {
        const api = startGramfleet(["api"], { env: { ...env, ...more } });
        await api.ready();
        const address = /"address":"([^"]+)"/.exec(api.stderr())?.[1];
        if (address === undefined) throw new Error(`the api does not say where it listens: ${api.stderr()}`);
        return {
          address,
          /** All that it has logged. */
          log: () => api.stdout() + api.stderr(),
          async stop() {
            api.signal("SIGTERM");
            await api.ended;
          },
          /** A ticket that this user has asked for. */
          async begin({ telegramId }: Person): Promise<string> {
            const answer = await fetch(`${address}/api/qr/start`, {
              method: "POST",
              headers: { "content-type": "application/json", authorization: `tma ${initData(telegramId)}` },
              body: "{}",
            });
            if (!answer.ok) throw new Error(`no ticket: ${answer.status} ${await answer.text()}`);
            return ((await answer.json()) as { ticket: string }).ticket;
          },
        };
      },
      /** Makes somebody: a user here, with an account in one of the two data centers. */
      async person(given: { readonly password?: string; readonly dcId?: 1 | 2 } = {}): Promise<Person> {
        people += 1;
        const telegramId = 6_700_000_000n + BigInt(people);
        const dcId = given.dcId ?? 2;
        const phone = `99966${dcId}${String(3_000 + people)}`;
        const known = { firstName: "Ada", username: null, premium: false, password: given.password ?? null };
        telegram.world.addUser({ id: telegramId, phone, dcId, ...known });
        await database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId }));
        return { telegramId, phone };
      },
      /** The auth keys that this account is logged in with. */
      keysOf: ({ telegramId }: Person) => telegram.keys.ofAccount(telegramId).length,
      async close() {
        await database.close();
        await place.drop();
        await telegram.close();
      },
    };
  };
}

export type Home = Awaited<ReturnType<ReturnType<typeof prepareHome>>>;
export type Api = Awaited<ReturnType<Home["startApi"]>>;
