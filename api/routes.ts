import type { FastifyPluginAsync } from "fastify";
import { miniAppRoutes } from "./miniapp/routes.ts";
import { channelRoutes } from "./routes/channels.ts";
import { codeLoginRoutes } from "./routes/code-login.ts";
import type { RouteDeps } from "./routes/deps.ts";
import { docsRoutes } from "./routes/docs.ts";
import { loginRoutes } from "./routes/login.ts";
import { meRoutes } from "./routes/me.ts";
import { parseRoutes } from "./routes/parse.ts";
import { postRoutes } from "./routes/posts.ts";
import { qrRoutes } from "./routes/qr.ts";
import { qrCallbackRoutes } from "./routes/qr-callback.ts";
import { statusRoutes } from "./routes/status.ts";
import { telegramAccountRoutes } from "./routes/telegram-accounts.ts";
import { termsRoutes } from "./routes/terms.ts";

/** Every route of the API, a subject a file. */
const SUBJECTS = [
  docsRoutes,
  loginRoutes,
  codeLoginRoutes,
  meRoutes,
  channelRoutes,
  postRoutes,
  parseRoutes,
  qrRoutes,
  qrCallbackRoutes,
  telegramAccountRoutes,
  termsRoutes,
  miniAppRoutes,
  statusRoutes,
];

export const routes: FastifyPluginAsync<RouteDeps> = async (app, deps) => {
  for (const subject of SUBJECTS) await app.register(subject, deps);
};
