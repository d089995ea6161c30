import { parse } from "node:path";
import type { World } from "./model.ts";

/** What a file's name says of its content: `trantor_library.result.json` and `trantor_library.tl.json` say trantor_library. */
export function stemOf(fileName: string): string {
  return parse(fileName).name.replace(/\.(result|tl)$/, "");
}

/** From the file's name, else `world_<id>`: 5 to 32 letters, as Telegram's usernames are. */
export function freeUsername(world: Pick<World, "channelByUsername">, fileName: string, id: bigint): string {
  const name = stemOf(fileName).replace(/\W+/g, "_").slice(0, 32);
  const good = /^[a-zA-Z]\w{3,30}[a-zA-Z0-9]$/.test(name) && name !== "result";
  return good && !world.channelByUsername(name) ? name : `world_${id}`;
}
