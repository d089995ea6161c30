import type { fromSegments } from "../../formats/desktop/entities.ts";
import type { WorldEntity } from "./model.ts";

/** As formats have it: the type in snake case, 64-bit numbers as decimal strings. */
type FormatEntity = ReturnType<typeof fromSegments>["entities"][number];

/** What layer 198 has; newer ones arrive as `messageEntityUnknown`. */
const TYPES: ReadonlySet<string> = new Set(
  `mention hashtag bot_command url email bold italic code pre text_url mention_name phone cashtag underline strike
   bank_card spoiler custom_emoji blockquote`.split(/\s+/),
);

export function toWorldEntity({ type, userId, documentId, ...rest }: FormatEntity): WorldEntity {
  const known = TYPES.has(type) ? type : "unknown";
  const name = known.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return {
    ...rest,
    type: `messageEntity${name}`,
    ...(userId === undefined ? {} : { userId: BigInt(userId) }),
    ...(documentId === undefined ? {} : { documentId: BigInt(documentId) }),
  };
}
