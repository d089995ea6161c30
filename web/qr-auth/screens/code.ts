import type { CodeStarted, SentCode } from "../api.ts";
import { button, h, setAttributes } from "../dom.ts";
import { oneFieldForm } from "../form.ts";
import { type Page, saidOf } from "../page.ts";
import type { Screen } from "../stage.ts";
import type { Texts } from "../texts/en.ts";

/** Where the login code is typed. */
export function codeScreen(
  page: Page,
  phone: string,
  started: CodeStarted,
  given: { readonly onCode: (code: string) => Promise<void>; readonly onBack: () => void },
): Screen {
  const { texts, api, stage } = page;
  const words = texts.code;
  const sent = h("p", { class: "lead" });
  const form = oneFieldForm({
    ...{ label: words.label, submit: words.submit, working: texts.password.working, empty: words.empty },
    help: words.warning,
    attributes: {
      type: "text",
      name: "code",
      autocomplete: "one-time-code",
      maxlength: 64,
      required: true,
      spellcheck: "false",
    },
    async take(value) {
      try {
        await given.onCode(value.replace(/\s/g, ""));
      } catch (error) {
        form.fail(saidOf(error, texts));
      }
    },
  });
  form.input.classList.add("digits");
  const resend = resendButton(texts, async () => {
    try {
      const { code } = await api.resendCode(started.ticket);
      tell(code);
      stage.say(words.resent);
      form.input.focus();
    } catch (error) {
      form.fail(saidOf(error, texts));
    }
  });

  function tell(code: SentCode): void {
    sent.textContent = `${words.sentTo(phone)} ${words.types[typeOf(code.type)]}`;
    const isWord = /word|phrase/.test(code.type);
    setAttributes(form.input, { inputmode: isWord ? "text" : "numeric", pattern: isWord ? null : "[0-9]*" });
    resend.allowAt(code.resend_at);
  }
  tell(started.code);

  const element = h(
    "div",
    { class: "screen" },
    h("h1", { tabindex: -1 }, words.title),
    sent,
    form.element,
    h("div", { class: "actions" }, resend.element, button(words.otherNumber, "quiet", given.onBack)),
  );
  const said = `${words.title}. ${sent.textContent}`;
  return { kind: "code", element, focus: form.input, said, dispose: resend.dispose };
}

function resendButton({ code: words }: Texts, onClick: () => Promise<void>) {
  const element = button(words.resend, "quiet", () => {
    if (element.getAttribute("aria-disabled") !== "true") void onClick();
  });
  let at = 0;
  const tick = () => {
    const seconds = Math.ceil((at - Date.now()) / 1_000);
    element.textContent = seconds > 0 ? words.resendIn(seconds) : words.resend;
    setAttributes(element, { "aria-disabled": seconds > 0 });
  };
  const timer = setInterval(tick, 1_000);
  return {
    element,
    /** Null: Telegram sends no other. */
    allowAt(time: string | null) {
      element.hidden = time === null;
      at = time === null ? 0 : Date.parse(time);
      tick();
    },
    dispose: () => clearInterval(timer),
  };
}

/** Telegram has more kinds than there are things to say about them. */
function typeOf(type: string): keyof Texts["code"]["types"] {
  if (/fragment/.test(type)) return "fragment";
  if (/email/.test(type)) return "email";
  if (/sms/.test(type)) return "sms";
  return type === "app" || type === "call" || type === "flash_call" || type === "missed_call" ? type : "other";
}
