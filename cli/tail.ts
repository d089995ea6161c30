import { Command, InvalidArgumentError, Option } from "commander";
import { type Channel, loadChannels } from "../db/channels.ts";
import type { TenantTx } from "../db/database.ts";
import { listenForPosts } from "../db/listen.ts";
import type { StoredMessage } from "../db/messages.ts";
import { ownPostReader } from "../db/open-reader.ts";
import { concerns, type PostHint } from "../db/post-hint.ts";
import {
  afterPost,
  CursorMalformed,
  decodeCursor,
  encodeCursor,
  latestPosts,
  type PostCursor,
  type PostPage,
  postsAfter,
  START,
} from "../db/posts.ts";
import { answering } from "../db/unreachable.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { createAlarm } from "./tail/alarm.ts";
import { postLine } from "./tail/post-line.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { withTenant } from "./tenant.ts";
import { requireUser } from "./user.ts";

/** How often it looks without being told to: where LISTEN does not work, and for what no hint tells. */
const POLL_MS = 2_000;
/** What a hint told of and is not there yet. */
const LOOK_AGAIN_MS = 200;
const LOOKS_AGAIN = 10;
const RELISTEN_MS = 1_000;
const PAGE = 100;
const LATEST = 10;

interface TailOptions extends CommonOptions {
  readonly since?: PostCursor;
  readonly fromStart: boolean;
  readonly limit?: number;
  readonly follow: boolean;
}

export function tailCommand(): Command {
  return withTenant(withCommonOptions(new Command("tail").argument("<telegram_id>")))
    .addOption(new Option("--since <cursor>", "go on behind this cursor, as --json gives it").argParser(parseCursor))
    .addOption(new Option("--from-start", "begin with everything that is stored").default(false).conflicts("since"))
    .option(
      "--limit <n>",
      `how many of the newest to begin with (${LATEST}); with --since or --from-start: end after so many`,
      wholeNumber(1),
    )
    .option("--follow", "go on with what comes, until Ctrl-C", true)
    .option("--no-follow", "end where there is nothing more")
    .action(run);
}

function parseCursor(text: string): PostCursor {
  try {
    return decodeCursor(text);
  } catch (error) {
    if (error instanceof CursorMalformed) throw new InvalidArgumentError("It is no cursor that --json has given.");
    throw error;
  }
}

async function run(id: string, options: TailOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  const work = async (context: CommandContext) => {
    const user = await requireUser(context.inTenant, telegramId);
    const tailing = tail(context, user.id, options);
    // The database stays open until the last look is over; what goes wrong there is told by the await below.
    context.lifecycle.own("tail", tailing, (running) => running.catch(() => undefined));
    await tailing;
  };
  await withContext(options, [], work, { interrupted: 0 });
}

async function tail(context: CommandContext, userId: bigint, options: TailOptions): Promise<void> {
  const { database, tenantId, lifecycle, config, log, out } = context;
  const { signal } = lifecycle;
  const alarm = createAlarm();
  signal.addEventListener("abort", () => alarm.ring(), { once: true });

  const reader = ownPostReader(lifecycle, config, { database, poolSize: 1, metrics: null, log });
  const read = (behind: PostCursor, page: (tx: TenantTx) => Promise<PostPage>) =>
    reader.read(tenantId, behind, async (tx) => {
      const { posts, cursor } = await page(tx);
      const channels = await loadChannels(tx, [...new Set(posts.map((post) => post.channelId))]);
      return { posts, cursor, channels: new Map(channels.map((channel) => [channel.id, channel])) };
    });
  let cursor = options.since ?? START;
  let hint: PostHint = new Map();
  let looksAgain = 0;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  if (!options.since && !options.fromStart) {
    const page = await read(START, (tx) => latestPosts(tx, userId, options.limit ?? LATEST));
    // They come by date: only behind the last of them is a place to go on from.
    print(out, page, () => null);
    cursor = page.cursor;
    left = Number.POSITIVE_INFINITY;
  }
  if (options.follow)
    lifecycle.own(
      "hints",
      listenForPosts({
        url: config.databaseDirectUrl ?? "",
        retryMs: RELISTEN_MS,
        onHint: (heard) => {
          if (!concerns(heard, cursor)) return;
          hint = heard ?? new Map();
          looksAgain = LOOKS_AGAIN;
          alarm.ring();
        },
        log,
      }),
      (listener) => listener.close(),
    );

  for (let silent = false; left > 0 && !signal.aborted; ) {
    alarm.reset();
    try {
      const page = await answering(() =>
        read(cursor, (tx) => postsAfter(tx, { userId }, cursor, Math.min(PAGE, left))),
      );
      silent = false;
      let at = cursor;
      print(out, page, (post) => {
        at = afterPost(at, post);
        return at;
      });
      cursor = page.cursor;
      left -= page.posts.length;
      if (page.posts.length > 0) continue;
    } catch (error) {
      if (!options.follow || !(error instanceof OperatorError)) throw error;
      if (!silent) out.note(`${error.message}; trying again`);
      silent = true;
    }
    if (!options.follow) return;
    // A replica may not have yet what a hint tells of.
    looksAgain = concerns(hint, cursor) ? Math.max(0, looksAgain - 1) : 0;
    if (!signal.aborted) await alarm.sleep(looksAgain > 0 ? LOOK_AGAIN_MS : POLL_MS);
  }
}

/** The last post of a page stands at the page's own cursor, which is past what is not for this user's eyes, too. */
function print(
  out: CommandContext["out"],
  page: PostPage & { readonly channels: ReadonlyMap<bigint, Channel> },
  cursorAfter: (post: StoredMessage) => PostCursor | null,
): void {
  page.posts.forEach((post, index) => {
    const after = index === page.posts.length - 1 ? page.cursor : cursorAfter(post);
    out.result({ ...post, cursor: after && encodeCursor(after) }, () =>
      postLine(post, page.channels.get(post.channelId), out.paint),
    );
  });
}
