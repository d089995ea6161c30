import { h, setAttributes } from "./dom.ts";
import { spinner } from "./icons.ts";

/** A form of one field: its label, what helps, what is wrong, and the one thing to do. */
export interface OneFieldForm {
  readonly element: HTMLFormElement;
  readonly input: HTMLInputElement;
  /** What is wrong with what was given, beside the field and said with it; null: nothing. */
  fail(text: string | null): void;
  readonly busy: boolean;
}

let made = 0;

export function oneFieldForm(given: {
  readonly label: string;
  readonly submit: string;
  readonly working: string;
  readonly empty: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Said with the field. */
  readonly help?: string | null;
  /** Stands in the field, at its end. */
  readonly within?: HTMLElement;
  /** Takes what was given; what it throws is the caller's to show. */
  readonly take: (value: string) => Promise<void>;
}): OneFieldForm {
  made += 1;
  const id = `field-${made}`;
  const describedBy = `${given.help ? `${id}-help ` : ""}${id}-error`;
  const input = h("input", { id, ...given.attributes, "aria-describedby": describedBy });
  const error = h("p", { id: `${id}-error`, class: "error", hidden: true });
  const label = h("span", {}, given.submit);
  const submit = h("button", { type: "submit", class: "button primary" }, label);
  const element = h(
    "form",
    { class: "form", novalidate: true },
    h("label", { for: id }, given.label),
    h("div", { class: "field" }, input, given.within ?? null),
    given.help ? h("p", { id: `${id}-help`, class: "help" }, given.help) : null,
    error,
    submit,
  );
  let busy = false;

  const fail = (text: string | null) => {
    error.hidden = text === null;
    error.textContent = text ?? "";
    setAttributes(input, { "aria-invalid": text !== null });
    if (text !== null) input.focus();
  };
  const work = (working: boolean) => {
    busy = working;
    // Not disabled: that would take the focus from it.
    setAttributes(submit, { "aria-disabled": working });
    label.textContent = working ? given.working : given.submit;
    submit.querySelector(".spinner")?.remove();
    if (working) submit.prepend(spinner());
  };
  input.addEventListener("input", () => {
    if (!error.hidden) fail(null);
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy) return;
    fail(input.value.trim() === "" ? given.empty : null);
    if (!error.hidden) return;
    work(true);
    void given.take(input.value).finally(() => work(false));
  });
  return {
    element,
    input,
    fail,
    get busy() {
      return busy;
    },
  };
}
