import { h, setAttributes } from "../dom.ts";
import { oneFieldForm } from "../form.ts";
import { icon } from "../icons.ts";
import { type Page, saidOf } from "../page.ts";
import { type PasswordParameters, type PasswordProof, provePassword } from "../srp.ts";
import type { Screen } from "../stage.ts";

export interface PasswordScreen extends Screen {
  /** Each proof needs new ones. */
  update(parameters: PasswordParameters): void;
}

/** What came of a proof that did not do. */
export interface ProofRefused {
  /** What to prove next. */
  readonly next: PasswordParameters;
  /** The parameters had gone stale: that says nothing of the password. */
  readonly stale: boolean;
}

/** Where the two-step password is typed: it is proven here, and goes nowhere. */
export function passwordScreen(
  { texts }: Page,
  first: PasswordParameters,
  /** Null where this screen is done. */
  onProof: (proof: PasswordProof) => Promise<ProofRefused | null>,
): PasswordScreen {
  const words = texts.password;
  let parameters = first;
  const show = h(
    "button",
    { type: "button", class: "show", "aria-label": words.show, "aria-pressed": "false" },
    icon("eye"),
  );
  const form = oneFieldForm({
    ...{ label: words.label, submit: words.submit, working: words.working, empty: words.empty },
    help: first.hint ? words.hint(first.hint) : null,
    attributes: {
      type: "password",
      name: "password",
      autocomplete: "current-password",
      maxlength: 1_024,
      required: true,
    },
    within: show,
    async take(password) {
      try {
        let refused = await onProof(await provePassword(parameters, password));
        if (refused?.stale) refused = await onProof(await provePassword(refused.next, password));
        if (refused === null) return;
        parameters = refused.next;
        form.input.select();
        form.fail(texts.errors.password_invalid);
      } catch (error) {
        form.fail(saidOf(error, texts));
      }
    },
  });
  show.addEventListener("click", () => {
    const visible = form.input.type === "password";
    form.input.type = visible ? "text" : "password";
    setAttributes(show, { "aria-pressed": String(visible), "aria-label": visible ? words.hide : words.show });
  });
  const element = h(
    "div",
    { class: "screen" },
    h("div", { class: "badge" }, icon("lock")),
    h("h1", { tabindex: -1 }, words.title),
    h("p", { class: "lead" }, words.lead),
    form.element,
  );
  return {
    kind: "password",
    element,
    focus: form.input,
    said: `${words.title}. ${words.lead}`,
    update(newer) {
      if (!form.busy) parameters = newer;
    },
  };
}
