import { OperatorError } from "../runtime/operator-error.ts";

/** What a channel's name means: a username (lower case), or an id as Telegram's API counts it (without -100). */
export type ChannelName = { readonly username: string } | { readonly id: bigint };

const USERNAME = /^[a-z][a-z0-9_]{2,31}$/i;
const ID = /^\d{1,18}$/;
const LINK = /^(?:https?:\/\/)?(?:www\.)?(?:t|telegram)\.(?:me|dog)\/(.+)$/i;
const DEEP_LINK = /^tg:(?:\/\/)?resolve\?(?:.*&)?domain=([^&]+)/i;

/**
 * Reads a channel's name in the forms people bring: `@name`, `name`, `https://t.me/name`, `t.me/s/name`,
 * `t.me/c/123/45`, `tg://resolve?domain=name`, `-100123`, `123`. Links to single posts name their channel.
 *
 * @throws OperatorError where it is none of these, an invite link included: gramfleet never joins
 */
export function parseChannelName(text: string): ChannelName {
  const name = text.trim();
  const linked = LINK.exec(name)?.[1] ?? DEEP_LINK.exec(name)?.[1];
  const parsed = linked === undefined ? parsePlain(name) : parsePath(linked);
  if (parsed === "invite") {
    throw new OperatorError(
      `channel ${JSON.stringify(text)} is an invite link: gramfleet joins nothing, add the channel by its @name or id`,
      { exitCode: 2 },
    );
  }
  if (parsed === null) {
    throw new OperatorError(
      `channel ${JSON.stringify(text)} is malformed: give @name, a t.me link or an id such as -1001234567890`,
      { exitCode: 2 },
    );
  }
  return parsed;
}

/** The one form in which a name is stored: a username in lower case without @, or an id's digits. */
export function normaliseChannelName(text: string): string {
  const name = parseChannelName(text);
  return "username" in name ? name.username : name.id.toString();
}

function parsePath(path: string): ChannelName | "invite" | null {
  const parts = path.replace(/[?#].*$/, "").split("/");
  const [first = "", second = ""] = parts;
  if (first.startsWith("+") || first.toLowerCase() === "joinchat") return "invite";
  if (first.toLowerCase() === "c") return ID.test(second) ? fromId(second) : null;
  if (first.toLowerCase() === "s") return fromUsername(second);
  return fromUsername(first);
}

function parsePlain(name: string): ChannelName | "invite" | null {
  if (name.startsWith("+")) return "invite";
  if (ID.test(name)) return fromId(name);
  const marked = /^-100(\d{1,15})$/.exec(name);
  if (marked?.[1]) return fromId(marked[1]);
  return fromUsername(name.replace(/^@/, ""));
}

function fromId(digits: string): ChannelName | null {
  const id = BigInt(digits);
  return id > 0n ? { id } : null;
}

const fromUsername = (name: string): ChannelName | null =>
  USERNAME.test(name) ? { username: name.toLowerCase() } : null;
