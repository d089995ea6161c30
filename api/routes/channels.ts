import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { normaliseChannelName } from "../../db/channel-name.ts";
import { type Subscription, subscribe, subscriptionsOf, unsubscribe } from "../../db/channels.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { personOf } from "../http/access.ts";
import { ApiError, answers } from "../http/errors.ts";
import type { RouteDeps } from "./deps.ts";

const channelName = z.string().min(1).max(256).describe("@name, name, t.me link, or id such as -1001234567890.");

const subscription = z.object({
  name: z.string().describe("As it is kept: a username in lower case, or an id's digits."),
  state: z.string().describe("pending until the next parse has looked it up, then active, or why not."),
  channel: z
    .object({ id: z.number().int(), username: z.string().nullable(), title: z.string(), kind: z.string() })
    .nullable()
    .describe("Null until it is looked up."),
  access: z.string().nullable().describe("Of the user's own account."),
});

export const channelRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, { database }) => {
  app.get(
    "/api/channels",
    {
      config: { access: ["person"] },
      schema: {
        summary: "The channels that are read for this user",
        response: answers({ 200: z.object({ channels: z.array(subscription) }) }),
      },
    },
    async (request) => {
      const { tenantId, userId } = personOf(request);
      const lines = await database.inTenant(tenantId, (tx) => subscriptionsOf(tx, userId));
      return { channels: lines.map(toJson) };
    },
  );

  app.post(
    "/api/channels",
    {
      config: { access: ["person"] },
      schema: {
        summary: "Read a channel for this user, from the next parse on",
        description: "gramfleet joins nothing: an invite link is refused.",
        body: z.strictObject({ channel: channelName }),
        response: answers({
          200: z.object({ name: z.string(), added: z.literal(false) }),
          201: z.object({ name: z.string(), added: z.literal(true) }),
        }),
      },
    },
    async (request, reply) => {
      const { tenantId, userId } = personOf(request);
      const name = readChannelName(request.body.channel);
      const { added } = await database.inTenant(tenantId, (tx) => subscribe(tx, { tenantId, userId, name }));
      return added
        ? reply.code(201).send({ name, added: true as const })
        : reply.code(200).send({ name, added: false as const });
    },
  );

  app.delete(
    "/api/channels",
    {
      config: { access: ["person"] },
      schema: {
        summary: "Read a channel for this user no longer",
        querystring: z.strictObject({ channel: channelName }),
        response: answers({ 200: z.object({ ok: z.literal(true) }) }),
      },
    },
    async (request) => {
      const { tenantId, userId } = personOf(request);
      const name = readChannelName(request.query.channel);
      if (!(await database.inTenant(tenantId, (tx) => unsubscribe(tx, { userId, name })))) throw notFollowed();
      return { ok: true as const };
    },
  );
};

/** The same for a channel that nobody reads and for one that others do: what others read is nobody's business. */
export const notFollowed = (): ApiError =>
  new ApiError(404, "channel_not_followed", "this channel is not read for you: add it first");

const malformed = (): ApiError =>
  new ApiError(400, "malformed_channel", "give @name, a t.me link or an id such as -1001234567890; no invite link");

/** A channel's name in the one form in which it is kept. @throws ApiError 400 */
export function readChannelName(text: string): string {
  try {
    return normaliseChannelName(text);
  } catch (error) {
    // Its own words tell what was typed, which may be anything.
    if (error instanceof OperatorError) throw malformed();
    throw error;
  }
}

function toJson({ name, state, channel, access }: Subscription): z.input<typeof subscription> {
  return {
    name,
    state,
    channel: channel && {
      id: Number(channel.id),
      username: channel.username,
      title: channel.title,
      kind: channel.kind,
    },
    access: access?.state ?? null,
  };
}
