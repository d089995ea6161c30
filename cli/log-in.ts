import type { Agreed } from "../db/consents.ts";
import { addUser } from "../db/users.ts";
import { ownRedis } from "../queue/open.ts";
import { assertRedis, openRedis } from "../queue/redis.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { LoginRefused, Transient, WaitRunning } from "../telegram/errors.ts";
import { createFleet } from "../telegram/fleet.ts";
import { fleetOptions, loginDependencies } from "../telegram/from-config.ts";
import { keepOriginalCodec } from "../telegram/gramjs/codec/fast-codec.ts";
import { connect } from "../telegram/gramjs/connect.ts";
import { type Asking, logInByPhone } from "../telegram/login/log-in.ts";
import { createTerms } from "../terms/terms.ts";
import { ask } from "./ask.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { when } from "./output.ts";
import { parseTelegramId } from "./telegram-id.ts";

export interface LoginOptions extends CommonOptions {
  readonly phone?: string;
  readonly code?: string;
  readonly password?: string;
  readonly appId?: string;
}

/** Logs a user in, asking on the terminal for what `options` lack. */
export async function logIn(id: string, options: LoginOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  const phone = (options.phone ?? (await ask("phone", { flag: "--phone" }))).replace(/[^\d]/g, "");
  if (!/^\d{5,15}$/.test(phone)) throw new OperatorError("the phone is no phone number", { exitCode: 2 });
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { out, config, database, tenantId, inTenant, log } = context;
    const metrics = createMetrics();
    const { show, agreed } = termsAt(context);
    const fleet = await openFleet(context, metrics);
    const { user } = await inTenant((tx) => addUser(tx, { tenantId, telegramId }));
    try {
      const { me, session } = await logInByPhone(
        loginDependencies(config, { database, fleet, metrics, clock, log }),
        {
          tenantId,
          user,
          phone,
          agreed,
          ...(options.appId === undefined ? {} : { appId: options.appId }),
        },
        asking(options, show),
      );
      out.result(
        { telegramId: me.id, sessionId: session?.id, state: session?.state, apiId: session?.apiId },
        () =>
          `${me.id}${me.firstName ? ` (${me.firstName})` : ""} is logged in; next: gramfleet channels add ${me.id} <channel>`,
      );
    } catch (error) {
      throw forOperators(error);
    }
  });
}

/** What somebody agrees to who logs in: said once, before they are asked for what logs them in; recorded if they are. */
export function termsAt({ out, config }: Pick<CommandContext, "out" | "config">) {
  const { version, language, text } = createTerms(config.terms).in("en");
  let agreed: Agreed | null = null;
  return {
    show(): void {
      if (!agreed) out.note(text);
      agreed = { version, language, text, via: "cli" };
    },
    agreed: () => agreed,
  };
}

/** Everything that a login goes through; released with the command. */
export async function openFleet(context: CommandContext, metrics: ReturnType<typeof createMetrics>) {
  const { config, database, lifecycle, log } = context;
  if (!config.fastCodec) keepOriginalCodec();
  await assertRedis(ownRedis(lifecycle, config, "limiter", log));
  return createFleet(
    fleetOptions(config, {
      redis: () => openRedis(config.redisUrl ?? "", "limiter", log),
      ...{ database, connect, metrics, clock, log },
    }),
    lifecycle,
  );
}

/** Flags answer first, and once: an answer that was refused is asked for. */
function asking(options: LoginOptions, showTerms: () => void): Asking {
  return {
    async code(sent, refused) {
      showTerms();
      if (options.code !== undefined && refused === null) return options.code;
      return ask(`code sent by ${sent.type}${refused ? ` (${refused})` : ""}`, { flag: "a good --code" });
    },
    async password(_parameters, refused) {
      if (options.password !== undefined && refused === null) return options.password;
      return ask(`two-step password${refused ? ` (${refused})` : ""}`, { secret: true, flag: "a good --password" });
    },
  };
}

/** What Telegram's refusals mean for whoever typed the command. */
export function forOperators(error: unknown): unknown {
  if (error instanceof LoginRefused) return new OperatorError(`Telegram refused the login: ${error.errorName}`);
  if (error instanceof Transient)
    return new OperatorError(
      `Telegram cannot be reached (${error.message}): check the network, and TELEGRAM_DC if set`,
    );
  if (error instanceof WaitRunning)
    return new OperatorError(`Telegram asks to wait until ${when(error.until)} (${error.method})`);
  return error;
}
