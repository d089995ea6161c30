import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { answers } from "../http/errors.ts";
import type { RouteDeps } from "./deps.ts";

const shown = z.object({
  version: z.string(),
  language: z.string(),
  text: z.string(),
  sha256: z.string().describe("Of the text: said of it when a login begins."),
  url: z.string().nullable().describe("The operator's own terms."),
});

/** What people agree to who log in. */
export const termsRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, { terms }) => {
  app.get(
    "/api/terms",
    {
      config: { access: "anyone" },
      schema: {
        summary: "What a person is to be shown before they log in",
        querystring: z.object({ language: z.string().max(35).default("en").describe("As Telegram names it: en, ru.") }),
        response: answers({ 200: shown }),
      },
    },
    async ({ query }) => ({ ...terms.in(query.language), url: terms.url }),
  );
};
