import type { Channel } from "../../db/channels.ts";
import type { MessageMedia } from "../../db/message.ts";
import type { StoredMessage } from "../../db/messages.ts";
import { type Output, when } from "../output.ts";
import { printable } from "../printable.ts";

/** A post for people, on one line: when, where, its id, what became of it, and the first line of its text. */
export function postLine(
  post: StoredMessage,
  channel: Pick<Channel, "username" | "title"> | undefined,
  paint: Output["paint"],
): string {
  const name = channel?.username ? `@${channel.username}` : (channel?.title ?? post.channelId.toString());
  const marks = [
    post.deletedAt && paint("red", "deleted"),
    // Telegram asks not to show that a post was edited where only its reactions or its markup were.
    post.editDate && !post.editHidden && paint("yellow", "edited"),
    post.pinned && paint("dim", "pinned"),
  ].filter((mark) => typeof mark === "string");
  const said = [...marks.map((mark) => `(${mark})`), ...kindOf(post), firstLine(post.text)].join(" ");
  return [paint("dim", when(post.date) ?? ""), paint("cyan", printable(name)), post.id, said].join("  ").trimEnd();
}

/** What there is beside text. */
function kindOf({ media, service }: StoredMessage): string[] {
  if (service) return [`[${service.type}]`];
  if (!media || media.kind === "web_page") return [];
  return [`[${nameOf(media)}]`];
}

function nameOf(media: Exclude<MessageMedia, { kind: "web_page" }>): string {
  if (media.kind === "document") return media.as;
  return media.kind === "other" ? printable(media.constructorName) : media.kind;
}

const firstLine = (text: string): string => printable(text.trimStart().split(/\r?\n/, 1)[0] ?? "");
