import type { ControlClient } from "../../emulator/control-client.ts";

/** Somebody of the emulated Telegram, with a phone: what they do by hand. */
export interface Visitor {
  /** To the bot. */
  writes(text: string): Promise<void>;
  /** Taps the bot's button with these words on it; false where there is none yet. */
  taps(words: string): Promise<boolean>;
  /** Opens the page behind such a button, as a Mini App; null where there is none yet. Gives what asks for its status. */
  opens(words: string): Promise<(() => Promise<unknown>) | null>;
  scans(link: string): Promise<void>;
}

/** @param person put into the emulated world unless there already */
export async function openVisitor(
  controlSocket: string,
  person: { readonly id: bigint; readonly phone: string; readonly firstName: string; readonly dcId: number },
): Promise<Visitor> {
  // Not in production images: only `up` and the emulator's own command reach for the emulator.
  const { createControlClient } = await import("../../emulator/control-client.ts");
  const client: ControlClient = createControlClient(controlSocket);
  await client.addPerson({ ...person }).catch((error: unknown) => {
    // A world that goes on where it stopped.
    if (!String(error).includes("exists")) throw error;
  });
  const unlessMissing = async <T>(work: Promise<T>): Promise<T | null> =>
    work.catch((error: unknown) => {
      if (String(error).includes("no button")) return null;
      throw error;
    });
  return {
    writes: async (text) => void (await client.writeToBot(person.id, text, "en")),
    taps: async (words) => (await unlessMissing(client.tapAtBot(person.id, words).then(() => true))) ?? false,
    async opens(words) {
      const opened = await unlessMissing(client.openAtBot(person.id, words));
      if (!opened) return null;
      const { origin, searchParams } = new URL(opened.url);
      const page = new URL("/qr-auth-status", origin);
      page.searchParams.set("session_id", searchParams.get("session_id") ?? "");
      return async () => {
        const answer = await fetch(page, { headers: { authorization: `tma ${opened.initData}` } });
        return answer.json();
      };
    },
    scans: (link) => client.scan(link, person.id),
  };
}
