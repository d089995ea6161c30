import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { acceptOnce } from "../../db/accepted-signatures.ts";
import { provenBy } from "../http/callers.ts";
import { ApiError, answers } from "../http/errors.ts";
import { telegramIdSchema } from "../proof/signed.ts";
import { verifySignedRequest } from "../proof/signed-request.ts";
import type { RouteDeps } from "./deps.ts";

const report = z.strictObject({
  ticket: z.string().min(1).max(256),
  tg_user_id: telegramIdSchema,
  two_fa_required: z.boolean(),
});

/** What the Mini App's bot reports. Nothing of it is read before the signature over its bytes is right, and new. */
export const qrCallbackRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, deps) => {
  const { database, clock, metrics, config } = deps;
  const { hmacSecret: secret, toleranceSeconds } = config.miniApp;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  app.post(
    "/api/qr/callback",
    {
      config: { access: "signature" },
      // The schema is for the document: what is signed are bytes, and they are read once they are believed.
      validatorCompiler: () => () => true,
      schema: {
        summary: "The Mini App's bot reports who has scanned a ticket's code",
        description:
          "`X-Miniapp-Signature`: HMAC-SHA256, in hexadecimal, over `timestamp.body` with MINIAPP_HMAC_SECRET; " +
          "`X-Timestamp`: seconds since the epoch. Each signature is accepted once.",
        body: report,
        headers: z.looseObject({
          "x-miniapp-signature": z.string().optional(),
          "x-timestamp": z.string().optional(),
        }),
        response: answers({ 200: z.object({ status: z.string(), message: z.string() }) }),
      },
    },
    async (request) => {
      if (secret === null) throw new ApiError(503, "not_configured", "no MINIAPP_HMAC_SECRET is set here");
      const given: unknown = request.body;
      const body = Buffer.isBuffer(given) ? given : Buffer.alloc(0);
      const counted = (result: "refused" | "replayed") => metrics.miniappWebhooks.inc({ result });
      let proven: ReturnType<typeof verifySignedRequest>;
      try {
        const { "x-timestamp": timestamp, "x-miniapp-signature": signature } = request.headers;
        proven = provenBy(() =>
          verifySignedRequest({ timestamp, signature, body }, { secret, toleranceSeconds }, clock.now()),
        );
      } catch (error) {
        counted("refused");
        throw error;
      }
      if (!(await database.asApp((tx) => acceptOnce(tx, proven.signature, proven.expiresAt)))) {
        counted("replayed");
        throw new ApiError(409, "replayed", "this request was accepted before: sign a new one");
      }
      metrics.miniappWebhooks.inc({ result: "accepted" });
      const { ticket, tg_user_id, two_fa_required } = readReport(body);
      if (deps.qrCallback === null) throw new ApiError(503, "not_configured", "there are no QR logins here");
      return deps.qrCallback({ ticket, telegramId: BigInt(tg_user_id), twoFaRequired: two_fa_required });
    },
  );
};

function readReport(body: Buffer): z.output<typeof report> {
  try {
    return report.parse(JSON.parse(body.toString("utf8")));
  } catch {
    throw new ApiError(400, "invalid_request", "the body must be {ticket, tg_user_id, two_fa_required}");
  }
}
