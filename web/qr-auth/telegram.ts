/** The part of Telegram's WebApp object that the page uses (core.telegram.org/bots/webapps). */
export interface WebApp {
  readonly initData: string;
  readonly platform: string;
  readonly colorScheme: "light" | "dark";
  readonly themeParams: Readonly<Record<string, string>>;
  readonly BackButton?: { show(): void; hide(): void; onClick(listener: () => void): void };
  ready(): void;
  expand(): void;
  close(): void;
  onEvent(name: "themeChanged", listener: () => void): void;
}

declare global {
  interface Window {
    Telegram?: { readonly WebApp?: WebApp };
  }
}

export interface Theme {
  readonly params: Readonly<Record<string, string>>;
  /** Null where only its colours tell. */
  readonly scheme: "light" | "dark" | null;
}

/** Telegram around the page: it may come late, or never. */
export interface Telegram {
  /** Who has opened the page, signed; "" where Telegram has not said it. */
  readonly initData: string;
  /** Of that user's Telegram. */
  readonly language: string | null;
  /** Whether the page can be closed from here, back to the chat. */
  readonly closes: boolean;
  /** It is too old to prove anything. */
  forgetInitData(): void;
  close(): void;
  /** What Telegram's own back button does; null hides it. */
  onBack(listener: (() => void) | null): void;
}

/** @param onTheme called at once where Telegram has said its colours, and whenever they change */
export function meetTelegram(onTheme: (theme: Theme) => void): Telegram {
  // Telegram puts this into the address of a Mini App: it is there before its script is, and without it.
  const launch = new URLSearchParams(location.hash.slice(1));
  let initData = launch.get("tgWebAppData") ?? "";
  const language = languageIn(initData);
  let app: WebApp | null = null;
  let back: (() => void) | null = null;

  const params = paramsIn(launch.get("tgWebAppThemeParams"));
  if (params) onTheme({ params, scheme: null });

  whenLoaded((loaded) => {
    // Outside of Telegram its script gives an object that does nothing.
    if (loaded.platform === "unknown") return;
    app = loaded;
    const tellTheme = () => onTheme({ params: loaded.themeParams, scheme: loaded.colorScheme });
    loaded.onEvent("themeChanged", tellTheme);
    tellTheme();
    loaded.BackButton?.onClick(() => back?.());
    if (back) loaded.BackButton?.show();
    loaded.ready();
    loaded.expand();
  });

  return {
    get initData() {
      return initData;
    },
    language,
    get closes() {
      return app !== null;
    },
    forgetInitData() {
      initData = "";
    },
    close: () => app?.close(),
    onBack(listener) {
      back = listener;
      if (listener) app?.BackButton?.show();
      else app?.BackButton?.hide();
    },
  };
}

function whenLoaded(use: (app: WebApp) => void): void {
  const present = () => window.Telegram?.WebApp;
  const app = present();
  if (app) {
    use(app);
    return;
  }
  const script = document.querySelector('script[src^="https://telegram.org/"]');
  script?.addEventListener("load", () => {
    const late = present();
    if (late) use(late);
  });
}

function languageIn(initData: string): string | null {
  const user = objectIn(new URLSearchParams(initData).get("user"));
  const code = user?.language_code;
  return typeof code === "string" ? code : null;
}

function paramsIn(text: string | null): Record<string, string> | null {
  const params = objectIn(text);
  if (!params) return null;
  return Object.fromEntries(Object.entries(params).filter(([, value]) => typeof value === "string")) as Record<
    string,
    string
  >;
}

function objectIn(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
