import { type Browser, type BrowserContext, chromium, type Locator, type Page, type Request } from "playwright-core";
import { TELEGRAM_STAND_IN, THEMES } from "./stand-in.ts";

const CHROMIUM = "/usr/bin/chromium";
const TELEGRAM_SCRIPT = "https://telegram.org/js/telegram-web-app.js";

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });
}

/** How the page is come by: as a Mini App, with what Telegram says of its user; or in a browser, where Telegram's script may not even load. */
export type Around =
  | { readonly initData: string }
  | { readonly browser: "with Telegram's script" | "without"; readonly language?: string };

/** The page as somebody has it open. */
export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly heading: Locator;
  /** Whether it is in Telegram. */
  readonly inTelegram: boolean;
  /** All that it has asked of anybody: address, headers and body. */
  readonly sent: readonly string[];
  /** What its console has complained about, and what it has thrown. */
  readonly complaints: readonly string[];
  /** The login link that it shows. */
  link(): Promise<string>;
  /** What it has called of Telegram's object. */
  telegramCalls(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens the page at this address. Whatever is not ours or Telegram's script cannot be reached, and is a complaint. */
export async function openPage(browser: Browser, url: string, around: Around): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 780 },
    hasTouch: true,
    locale: "initData" in around ? "de-DE" : (around.language ?? "en-GB"),
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const sent: string[] = [];
  const complaints: string[] = [];
  const own = new URL(url).origin;
  await context.route("**/*", async (route) => {
    const asked = route.request().url();
    if (asked.startsWith(`${own}/`)) return route.continue();
    if (asked !== TELEGRAM_SCRIPT) complaints.push(`asked for ${asked}`);
    else if ("initData" in around || around.browser === "with Telegram's script")
      return route.fulfill({ contentType: "text/javascript", body: TELEGRAM_STAND_IN });
    return route.abort("internetdisconnected");
  });
  const page = await context.newPage();
  page.on("request", (request: Request) => {
    sent.push(
      `${request.method()} ${request.url()}\n${JSON.stringify(request.headers())}\n${request.postData() ?? ""}`,
    );
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A request that failed is the network's, or a refusal that the page shows.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  await page.goto(`${url}${"initData" in around ? launchOf(around.initData) : ""}`, { waitUntil: "domcontentloaded" });
  return {
    ...{
      page,
      context,
      sent,
      complaints,
      heading: page.getByRole("heading", { level: 1 }),
      inTelegram: "initData" in around,
    },
    async link() {
      const link = await page.getByRole("link", { name: /Open in Telegram|Открыть в Telegram/ }).getAttribute("href");
      if (link === null) throw new Error("the page shows no link");
      return link;
    },
    telegramCalls: () => page.evaluate<string[]>("window.standIn.calls"),
    close: () => context.close(),
  };
}

/** What Telegram puts behind a Mini App's address. */
const launchOf = (initData: string): string =>
  `#${new URLSearchParams({
    tgWebAppData: initData,
    tgWebAppVersion: "8.0",
    tgWebAppPlatform: "tdesktop",
    tgWebAppThemeParams: JSON.stringify(THEMES.light),
  })}`;
