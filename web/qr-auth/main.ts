import { createApi } from "./api.ts";
import { runLogin } from "./login.ts";
import { createStage } from "./stage.ts";
import { meetTelegram } from "./telegram.ts";
import { termsIn } from "./terms.ts";
import { languageOf, TEXTS } from "./texts/language.ts";
import { paletteOf } from "./theme.ts";

const root = document.documentElement;
const telegram = meetTelegram(({ params, scheme }) => {
  const palette = paletteOf(params, scheme);
  if (!palette) return;
  root.dataset.scheme = palette.scheme;
  for (const [name, value] of Object.entries(palette.variables)) root.style.setProperty(name, value);
});
const language = languageOf([telegram.language, ...navigator.languages]);
const texts = TEXTS[language];
const terms = termsIn(language);
root.lang = language;
document.title = texts.title;
runLogin(
  {
    texts,
    telegram,
    terms: terms?.text ?? null,
    api: createApi(telegram, terms?.sha256 ?? null),
    stage: createStage(document.body),
  },
  new URLSearchParams(location.search).get("session_id"),
);
