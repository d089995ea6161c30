import type { ChannelMessage, MessageEntity } from "../message.ts";

/** What of a message is sound, and why the rest is left out or is less than was published; null where nothing is. */
export interface Sound {
  readonly entities: readonly MessageEntity[];
  readonly fault: string | null;
}

/**
 * Entities count UTF-16 units within their text: those that reach beyond it mark nothing, and whoever slices by them
 * fails. They are left out, the others stay as they are, overlapping or not. What Telegram sends for constructors that
 * our layer does not have (core.telegram.org/api/layers) is kept, and named.
 */
export function soundParts({ text, entities, media, service }: ChannelMessage): Sound {
  const within = entities.every((entity) => isWithin(entity, text))
    ? entities
    : entities.filter((entity) => isWithin(entity, text));
  const beyond = entities.length - within.length;
  const unknown = within.filter(({ type }) => type === "unknown").length;
  const faults: string[] = [];
  if (beyond > 0) faults.push(`without ${beyond} of ${entities.length} entities, which reach beyond the text`);
  if (unknown > 0) faults.push(`with ${unknown} of ${entities.length} entities of an unknown kind`);
  if (media?.kind === "other") faults.push(`without its media, a ${media.constructorName}`);
  if (service?.type === "empty") faults.push("without its action, which is of an unknown kind");
  return { entities: within, fault: faults.length > 0 ? `stored, ${faults.join(", ")}` : null };
}

const isWithin = ({ offset, length }: MessageEntity, text: string): boolean =>
  offset >= 0 && length > 0 && offset + length <= text.length;
