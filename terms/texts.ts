/**
 * What somebody agrees to who logs in, in each language: the bot, the page and the command line say these words, and which
 * ones were said is recorded. A text that changes is another version (`config/terms`), or people would have agreed to
 * what they never saw.
 */
export const TERMS_TEXTS = {
  en: {
    text: "By logging in you agree that the channels you name are read on your account, and nothing else. /logout ends that at any time: the session is ended at Telegram and deleted here.",
    more: (version: string, url: string) => `Terms (${version}): ${url}`,
  },
  ru: {
    text: "Входя, вы соглашаетесь, что названные вами каналы читаются с вашего аккаунта, и ничего больше. /logout прекращает это в любой момент: сессия завершается в Telegram и удаляется здесь.",
    more: (version: string, url: string) => `Условия (${version}): ${url}`,
  },
} as const;

export type TermsLanguage = keyof typeof TERMS_TEXTS;
