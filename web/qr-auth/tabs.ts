import { h, setAttributes } from "./dom.ts";

export interface Tab {
  readonly name: string;
  readonly label: string;
  readonly panel: HTMLElement;
}

/** Tabs as the ARIA Authoring Practices have them: one is in the tab order, the arrow keys go from one to the next. */
export function createTabs(label: string, tabs: readonly Tab[], onChange: (name: string) => void) {
  const buttons = tabs.map(({ name, label: text, panel }) => {
    const button = h(
      "button",
      { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, class: "tab" },
      text,
    );
    setAttributes(panel, { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` });
    button.addEventListener("click", () => choose(name));
    return button;
  });
  const list = h("div", { role: "tablist", "aria-label": label, class: "tabs" }, ...buttons);
  list.addEventListener("keydown", (event) => {
    const now = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const last = tabs.length - 1;
    const next = { ArrowRight: now === last ? 0 : now + 1, ArrowLeft: now === 0 ? last : now - 1, Home: 0, End: last }[
      event.key
    ];
    const tab = next === undefined || now < 0 ? undefined : tabs[next];
    if (next === undefined || !tab) return;
    event.preventDefault();
    choose(tab.name);
    buttons[next]?.focus();
  });
  let chosen = "";
  function choose(name: string): void {
    if (name === chosen) return;
    chosen = name;
    tabs.forEach((tab, index) => {
      const button = buttons[index];
      if (button)
        setAttributes(button, { "aria-selected": String(tab.name === name), tabindex: tab.name === name ? 0 : -1 });
      tab.panel.hidden = tab.name !== name;
    });
    onChange(name);
  }
  return { element: h("div", {}, list, ...tabs.map(({ panel }) => panel)), choose };
}
