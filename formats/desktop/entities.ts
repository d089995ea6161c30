import type { MessageEntity } from "../../db/message.ts";
import type { TextSegment } from "./schema.ts";

/** Telegram's name (`messageEntity…`, snake case) and Desktop's, where the two differ. */
const DESKTOP_NAMES: Readonly<Record<string, string>> = {
  url: "link",
  text_url: "text_link",
  strike: "strikethrough",
};
const TELEGRAM_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(DESKTOP_NAMES).map(([telegram, desktop]) => [desktop, telegram]),
);

/**
 * Flattens entities into segments the way Desktop does: in order of offset, the longer first, and whatever overlaps an
 * entity that is already out is left out. The segments' texts, joined, are the text.
 */
export function segmentsOf(text: string, entities: readonly MessageEntity[]): TextSegment[] {
  const segments: TextSegment[] = [];
  let at = 0;
  const plainUntil = (end: number) => {
    if (end > at) segments.push({ type: "plain", text: text.slice(at, end) });
  };
  for (const entity of inOrder(entities)) {
    const end = entity.offset + entity.length;
    if (entity.offset < at || entity.length <= 0 || end > text.length) continue;
    plainUntil(entity.offset);
    segments.push(segmentOf(entity, text.slice(entity.offset, end)));
    at = end;
  }
  plainUntil(text.length);
  return segments;
}

/** Text and entities of Desktop's segments; offsets count UTF-16 units. Empty segments say nothing and are dropped. */
export function fromSegments(segments: readonly TextSegment[]): { text: string; entities: MessageEntity[] } {
  let text = "";
  const entities: MessageEntity[] = [];
  for (const segment of segments) {
    if (segment.type !== "plain" && segment.text.length > 0)
      entities.push(entityOf(segment, text.length, segment.text.length));
    text += segment.text;
  }
  return { text, entities };
}

/** Desktop's `text`: a string where all is plain, else strings and objects mixed. */
export function desktopText(segments: readonly TextSegment[]): string | (string | TextSegment)[] {
  if (segments.length === 0) return "";
  if (segments.length === 1 && segments[0]?.type === "plain") return segments[0].text;
  return segments.map((segment) => (segment.type === "plain" ? segment.text : segment));
}

function inOrder(entities: readonly MessageEntity[]): MessageEntity[] {
  return [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
}

function segmentOf(entity: MessageEntity, text: string): TextSegment {
  const type = DESKTOP_NAMES[entity.type] ?? entity.type;
  switch (entity.type) {
    case "text_url":
      return { type, text, href: entity.url ?? "" };
    case "pre":
      return { type, text, language: entity.language ?? "" };
    case "mention_name":
      return { type, text, user_id: numberOr(entity.userId) };
    case "custom_emoji":
      return { type, text, document_id: entity.documentId ?? "(unavailable)" };
    case "blockquote":
      return { type, text, collapsed: entity.collapsed ?? false };
    default:
      return { type, text };
  }
}

function entityOf(segment: TextSegment, offset: number, length: number): MessageEntity {
  const type = TELEGRAM_NAMES[segment.type] ?? segment.type;
  const place = { type, offset, length };
  switch (type) {
    case "text_url":
      return { ...place, url: segment.href ?? "" };
    case "pre":
      return { ...place, language: segment.language ?? "" };
    case "mention_name":
      return { ...place, userId: String(segment.user_id ?? 0) };
    case "custom_emoji":
      // Desktop gives the path of a downloaded emoji here, which is no document's id.
      return { ...place, documentId: /^\d{1,19}$/.test(segment.document_id ?? "") ? `${segment.document_id}` : "0" };
    case "blockquote":
      return segment.collapsed ? { ...place, collapsed: true } : place;
    default:
      return place;
  }
}

/** As a JSON number while that is exact; Telegram's user ids are (52 bits). */
function numberOr(id: string | undefined): number | string {
  const number = Number(id ?? 0);
  return Number.isSafeInteger(number) ? number : `${id}`;
}
