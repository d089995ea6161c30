/** What Telegram's script gives a page, as far as the page uses it; a test asks it what was called (core.telegram.org/bots/webapps). */
export const TELEGRAM_STAND_IN = `(() => {
  const launch = new URLSearchParams(location.hash.slice(1));
  const listeners = [];
  const calls = [];
  const back = [];
  const WebApp = {
    initData: launch.get("tgWebAppData") ?? "",
    platform: launch.get("tgWebAppPlatform") ?? "unknown",
    colorScheme: "light",
    themeParams: JSON.parse(launch.get("tgWebAppThemeParams") ?? "{}"),
    BackButton: {
      isVisible: false,
      show() { this.isVisible = true; },
      hide() { this.isVisible = false; },
      onClick(listener) { back.push(listener); },
    },
    ready: () => calls.push("ready"),
    expand: () => calls.push("expand"),
    close: () => calls.push("close"),
    onEvent(name, listener) { if (name === "themeChanged") listeners.push(listener); },
  };
  window.Telegram = { WebApp };
  window.standIn = {
    calls,
    goBack: () => back.forEach((listener) => listener()),
    setTheme(colorScheme, themeParams) {
      Object.assign(WebApp, { colorScheme, themeParams });
      for (const listener of listeners) listener();
    },
  };
})();`;

/** Telegram's own themes, as its clients send them. */
export const THEMES = {
  light: {
    ...{ bg_color: "#ffffff", text_color: "#000000", hint_color: "#707579", link_color: "#3390ec" },
    ...{ button_color: "#3390ec", button_text_color: "#ffffff", secondary_bg_color: "#f4f4f5" },
    ...{ destructive_text_color: "#e53935", subtitle_text_color: "#707579" },
  },
  dark: {
    ...{ bg_color: "#17212b", text_color: "#f5f5f5", hint_color: "#708499", link_color: "#6ab3f3" },
    ...{ button_color: "#5288c1", button_text_color: "#ffffff", secondary_bg_color: "#232e3c" },
    ...{ destructive_text_color: "#ec3942", subtitle_text_color: "#708499" },
  },
} as const;
