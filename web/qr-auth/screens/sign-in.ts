import { Refused, type Status } from "../api.ts";
import { createCodeImage } from "../code-image.ts";
import { copyText } from "../copy.ts";
import { createCountdown } from "../countdown.ts";
import { button, h, setAttributes } from "../dom.ts";
import { oneFieldForm } from "../form.ts";
import { icon } from "../icons.ts";
import { type Page, saidOf } from "../page.ts";
import type { Screen } from "../stage.ts";
import { createTabs } from "../tabs.ts";

export type Way = "code" | "phone";

export interface SignIn extends Screen {
  /** Shows the code as it is now. */
  update(status: Status): void;
  /** What is shown is good for nothing any more. */
  void(): void;
}

/** The first screen: a code to scan, or a phone number to type. */
export function signInScreen(
  page: Page,
  given: { readonly way: Way; readonly onWay: (way: Way) => void; readonly onPhone: (phone: string) => Promise<void> },
): SignIn {
  const { texts } = page;
  const code = codePanel(page);
  const tabs = createTabs(
    texts.ways,
    [
      { name: "code", label: texts.byCode, panel: code.element },
      { name: "phone", label: texts.byPhone, panel: phonePanel(page, given.onPhone) },
    ],
    (way) => given.onWay(way as Way),
  );
  tabs.choose(given.way);
  const element = h(
    "div",
    { class: "screen" },
    h("h1", { tabindex: -1 }, texts.title),
    tabs.element,
    // Below both ways: it is agreed to by either.
    page.terms === null ? null : h("p", { class: "small terms" }, page.terms),
  );
  return { kind: "sign-in", element, update: code.update, void: code.void, dispose: code.dispose };
}

function codePanel({ texts, stage }: Page) {
  const { qr } = texts;
  const image = createCodeImage(qr.image);
  const card = h("div", { class: "card" }, image.element);
  const countdown = createCountdown({ left: qr.renewsIn, over: qr.renewing }, (over) =>
    card.classList.toggle("over", over),
  );
  const open = h("a", { class: "button primary on-touch" }, icon("plane"), h("span", {}, qr.open));
  const copied = h("span", {}, qr.copy);
  const copy = button("", "quiet", async () => {
    const done = await copyText(open.href);
    stage.say(done ? qr.copied : qr.copyFailed);
    copied.textContent = done ? qr.copied : qr.copyFailed;
    setTimeout(() => {
      copied.textContent = qr.copy;
    }, 2_500);
  });
  copy.append(icon("link"), copied);
  const element = h(
    "div",
    { class: "by-code" },
    h("p", { class: "lead" }, qr.lead),
    h("div", { class: "code-place" }, card, countdown.element),
    h("div", { class: "actions" }, open, copy),
    h("ol", { class: "steps" }, ...qr.steps.map((step) => h("li", {}, step))),
  );
  return {
    element,
    update({ qr_link: link, qr_seconds_left: seconds }: Status) {
      if (link === undefined) return;
      // The scanner may be looking: what has not changed is not drawn again.
      image.show(link);
      countdown.restart(seconds ?? 0, link !== open.getAttribute("href"));
      setAttributes(open, { href: link });
    },
    void: () => countdown.restart(0, false),
    dispose: () => countdown.stop(),
  };
}

function phonePanel({ texts }: Page, onPhone: (phone: string) => Promise<void>): HTMLElement {
  const { phone } = texts;
  const form = oneFieldForm({
    ...{ label: phone.label, submit: phone.submit, working: texts.password.working, empty: phone.empty },
    attributes: {
      ...{ type: "tel", name: "phone", inputmode: "tel", autocomplete: "tel", placeholder: phone.placeholder },
      ...{ maxlength: 32, required: true },
    },
    async take(value) {
      try {
        await onPhone(value.trim());
      } catch (error) {
        // What does not look like a phone is not even read.
        const unread = error instanceof Refused && error.code === "invalid_request";
        form.fail(unread ? texts.errors.phone_number_invalid : saidOf(error, texts));
      }
    },
  });
  return h("div", { class: "by-phone" }, h("p", { class: "lead" }, phone.lead), form.element);
}
