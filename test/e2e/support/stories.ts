import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Around, type OpenPage, openPage, startBrowser } from "./browser.ts";
import { type Api, type Home, type Person, prepareHome } from "./home.ts";

/** What every file of stories has: a home, an api in it, a browser. Call it at the file's top. */
export function prepareStories() {
  const startHome = prepareHome();
  const started = {} as { home: Home; api: Api; browser: Browser };
  const open: OpenPage[] = [];

  beforeAll(async () => {
    [started.home, started.browser] = await Promise.all([startHome(), startBrowser()]);
    started.api = await started.home.startApi();
  });
  afterAll(async () => {
    await started.browser?.close();
    await started.api?.stop();
    await started.home?.close();
  });
  afterEach(async () => {
    Object.assign(started.home.telegram.tokenRules, { seconds: 30, pushes: true });
    for (const { complaints, close } of open.splice(0)) {
      await close();
      expect(complaints).toEqual([]);
    }
  });

  return {
    get home() {
      return started.home;
    },
    get api() {
      return started.api;
    },
    /** The page as this user has it in Telegram. */
    inTelegram: ({ telegramId }: Person, language?: string): Around => ({
      initData: started.home.initData(telegramId, language),
    }),
    /** Opens the page; closed at the test's end, when it must not have complained of anything. */
    async show(ticket: string | null, around: Around, at: Api = started.api): Promise<OpenPage> {
      const query = ticket === null ? "" : `?session_id=${encodeURIComponent(ticket)}`;
      const opened = await openPage(started.browser, `${at.address}/qr-auth${query}`, around);
      open.push(opened);
      return opened;
    },
  };
}

/** Waits until the page's heading says so. */
export const reads = ({ page }: OpenPage, title: string): Promise<void> =>
  page.getByRole("heading", { level: 1, name: title }).waitFor();

/** None of the secrets, nor their bytes in any usual writing, is in what the page has sent. */
export function expectNeverSent({ sent }: OpenPage, ...secrets: readonly string[]): void {
  const all = sent.join("\n").toLowerCase();
  for (const secret of secrets) {
    const bytes = Buffer.from(secret);
    const written = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), bytes.toString("hex")];
    // The last signs of base64 differ with what follows.
    for (const form of [...written, bytes.toString("base64").slice(0, -4), bytes.toString("base64url").slice(0, -3)])
      expect(all, form).not.toContain(form.toLowerCase());
  }
}
