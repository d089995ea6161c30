import type { WorldEntity } from "../world/model.ts";
import type { TlWriter } from "./primitives.ts";

/** Constructors of `MessageEntity` (layer 198). */
const IDS: ReadonlyMap<string, number> = new Map([
  ["messageEntityUnknown", 0xbb92ba95],
  ["messageEntityMention", 0xfa04579d],
  ["messageEntityHashtag", 0x6f635b0d],
  ["messageEntityBotCommand", 0x6cef8ac7],
  ["messageEntityUrl", 0x6ed02538],
  ["messageEntityEmail", 0x64e475c2],
  ["messageEntityBold", 0xbd610bc9],
  ["messageEntityItalic", 0x826f8b60],
  ["messageEntityCode", 0x28a20571],
  ["messageEntityPre", 0x73924be0],
  ["messageEntityTextUrl", 0x76a6d327],
  ["messageEntityMentionName", 0xdc7b1140],
  ["messageEntityPhone", 0x9b69e34b],
  ["messageEntityCashtag", 0x4c4e743f],
  ["messageEntityUnderline", 0x9c4e7e8b],
  ["messageEntityStrike", 0xbf0693d4],
  ["messageEntityBankCard", 0x761e6af4],
  ["messageEntitySpoiler", 0x32ca960f],
  ["messageEntityCustomEmoji", 0xc8cf05f8],
  ["messageEntityBlockquote", 0xf1ccaaac],
]);

/** `messageEntityBlockquote` is the one entity with flags. */
const COLLAPSED = 1 << 0;

/** Writes one `MessageEntity`. Throws where the world holds a type that layer 198 does not know. */
export function writeEntity(entity: WorldEntity, writer: TlWriter): void {
  const id = IDS.get(entity.type);
  if (id === undefined) throw new Error(`no such entity: ${entity.type}`);
  writer.int(id);
  if (entity.type === "messageEntityBlockquote") writer.int(entity.collapsed ? COLLAPSED : 0);
  writer.int(entity.offset).int(entity.length);
  if (entity.type === "messageEntityPre") writer.bytes(entity.language ?? "");
  if (entity.type === "messageEntityTextUrl") writer.bytes(entity.url ?? "");
  if (entity.type === "messageEntityMentionName") writer.long(entity.userId ?? 0n);
  if (entity.type === "messageEntityCustomEmoji") writer.long(entity.documentId ?? 0n);
}
