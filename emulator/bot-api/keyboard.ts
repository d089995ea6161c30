import { z } from "zod";
import { badRequest } from "./bot-api-error.ts";

/** A button of an inline keyboard: it calls back, opens a Mini App, or opens a page. */
export type Button =
  | { readonly text: string; readonly callback_data: string }
  | { readonly text: string; readonly web_app: { readonly url: string } }
  | { readonly text: string; readonly url: string };

const text = z.string().min(1).max(256);
const button = z.union([
  z.strictObject({ text, callback_data: z.string().min(1) }),
  z.strictObject({ text, web_app: z.strictObject({ url: z.string() }) }),
  z.strictObject({ text, url: z.string() }),
]);

/** `reply_markup`: an inline keyboard, and nothing else here. */
export const inlineKeyboard = z.strictObject({ inline_keyboard: z.array(z.array(button)) });
export type Keyboard = readonly (readonly Button[])[];

const CALLBACK_BYTES = 64;

/** The keyboard, as Telegram takes it; null for an empty one. @throws BotApiError 400 */
export function acceptKeyboard(given: z.output<typeof inlineKeyboard> | undefined): Keyboard | null {
  const rows = (given?.inline_keyboard ?? []).filter((row) => row.length > 0);
  for (const one of rows.flat()) {
    if ("callback_data" in one && Buffer.byteLength(one.callback_data) > CALLBACK_BYTES)
      throw badRequest("BUTTON_DATA_INVALID");
    if ("web_app" in one && !opens(one.web_app.url))
      throw badRequest(
        `inline keyboard button Web App URL '${one.web_app.url}' is invalid: Only HTTPS links are allowed`,
      );
  }
  return rows.length > 0 ? rows : null;
}

/** Telegram opens https alone; here also what is on this machine. */
function opens(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname));
}
