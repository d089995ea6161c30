import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { type Access, isCheckedElsewhere } from "./access.ts";
import { WEB_COOKIE } from "./web-cookie.ts";

/** Collects the routes registered from here on into an OpenAPI document. */
export async function collectOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "gramfleet",
        version: "1",
        description:
          "Every error is `{error: {code, message}}`. Beyond the rate limit of an address: 429 with Retry-After.",
      },
      components: {
        securitySchemes: {
          client: { type: "http", scheme: "bearer", description: "A tenant's token: gramfleet tokens create." },
          cookie: { type: "apiKey", in: "cookie", name: WEB_COOKIE, description: "A web login." },
          initData: {
            ...{ type: "apiKey", in: "header", name: "Authorization" },
            description: "`tma <initData>`, as Telegram gives it to the Mini App, at most five minutes old.",
          },
        },
      },
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document as Parameters<typeof jsonSchemaTransform>[0]);
      const access = document.route.config?.access;
      return { schema: { ...schema, security: securityOf(access) }, url };
    },
  });
}

function securityOf(access: Access | undefined): Record<string, string[]>[] {
  if (access === undefined || isCheckedElsewhere(access)) return [];
  return access.includes("client")
    ? [{ client: [] }, ...(access.length > 1 ? [{ cookie: [] }, { initData: [] }] : [])]
    : [{ cookie: [] }, { initData: [] }];
}
