import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { findChannel, subscriptionsOf } from "../../db/channels.ts";
import type { TenantTx } from "../../db/database.ts";
import { readPrimary } from "../../db/post-reader.ts";
import { CursorMalformed, decodeCursor, encodeCursor, type PostCursor, postsAfter, START } from "../../db/posts.ts";
import type { StoredMessage } from "../../db/stored-messages.ts";
import { personOf } from "../http/access.ts";
import { ApiError, answers } from "../http/errors.ts";
import { notFollowed, readChannelName } from "./channels.ts";
import type { RouteDeps } from "./deps.ts";
import { time } from "./schemas.ts";

const LARGEST_PAGE = 500;

const query = z.strictObject({
  channel: z.string().min(1).max(256).optional().describe("Of this channel alone."),
  after: z.string().min(1).max(12_000).optional().describe("Where the last page ended; without it from the start."),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(100),
});

const post = z.object({
  channel_id: z.number().int(),
  id: z.number().int(),
  kind: z.enum(["message", "service"]),
  date: time,
  edit_date: time.nullable(),
  deleted_at: time.nullable().describe("Set where Telegram has it no longer."),
  text: z.string(),
  entities: z.array(z.unknown()),
  media: z.unknown().nullable(),
  grouped_id: z.string().nullable(),
  forward: z.unknown().nullable(),
  reply: z.unknown().nullable(),
  from: z.unknown().nullable(),
  author: z.string().nullable(),
  pinned: z.boolean(),
  service: z.unknown().nullable(),
  stats: z.unknown().describe("As of stats_at."),
  stats_at: time,
});

export const postRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, { database, posts }) => {
  const reader = posts ?? readPrimary(database);
  app.get(
    "/api/posts",
    {
      config: { access: ["person"] },
      schema: {
        summary: "This user's posts, a page at a time",
        description:
          "New, late, edited and deleted ones, each once per change. `after` of an answer is `after` of the next " +
          "question, for ever; an empty page says that there is nothing more for now.",
        querystring: query,
        response: answers({ 200: z.object({ posts: z.array(post), after: z.string() }) }),
      },
    },
    async (request) => {
      const { tenantId, userId } = personOf(request);
      const { channel, after, limit } = request.query;
      const cursor = readCursor(after);
      const page = await reader.read(tenantId, cursor, async (tx) => {
        const channelId = channel === undefined ? undefined : await followedChannel(tx, userId, channel);
        return postsAfter(tx, { userId, ...(channelId === undefined ? {} : { channelId }) }, cursor, limit);
      });
      return { posts: page.posts.map(toJson), after: encodeCursor(page.cursor) };
    },
  );
};

function readCursor(text: string | undefined): PostCursor {
  if (text === undefined) return START;
  try {
    return decodeCursor(text);
  } catch (error) {
    if (error instanceof CursorMalformed) throw new ApiError(400, "malformed_cursor", "after is none of ours");
    throw error;
  }
}

/** @throws ApiError 404 where the user has not added it, whether it is known here or not */
async function followedChannel(tx: TenantTx, userId: bigint, text: string): Promise<bigint> {
  const name = readChannelName(text);
  const lines = await subscriptionsOf(tx, userId);
  const named = await findChannel(tx, name);
  const line = lines.find((one) => one.name === name || (named !== null && one.channelId === named.id));
  if (line?.channelId === null) throw new ApiError(409, "channel_pending", "this channel is not looked up yet");
  if (line === undefined) throw notFollowed();
  return line.channelId;
}

function toJson(message: StoredMessage): z.input<typeof post> {
  return {
    channel_id: Number(message.channelId),
    id: message.id,
    kind: message.kind,
    date: message.date.toISOString(),
    edit_date: message.editDate?.toISOString() ?? null,
    deleted_at: message.deletedAt?.toISOString() ?? null,
    text: message.text,
    entities: [...message.entities],
    media: message.media,
    grouped_id: message.groupedId?.toString() ?? null,
    forward: message.forward,
    reply: message.reply,
    from: message.from,
    author: message.author,
    pinned: message.pinned,
    service: message.service,
    stats: message.stats,
    stats_at: message.statsAt.toISOString(),
  };
}
