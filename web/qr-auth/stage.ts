import { h } from "./dom.ts";

/** What the page shows: one at a time. */
export interface Screen {
  readonly kind: string;
  readonly element: HTMLElement;
  /** Gets the focus when the screen comes after another; its heading unless given. */
  readonly focus?: HTMLElement;
  /** What is said to those who hear the page; its heading unless given. */
  readonly said?: string;
  dispose?(): void;
}

/** The page's frame: a screen, a line above it for what goes wrong, a voice for screen readers. */
export interface Stage {
  readonly current: Screen | null;
  show(screen: Screen): void;
  /** Says something to those who hear the page. */
  say(text: string): void;
  /** What keeps the page from knowing how things stand; null: nothing does. */
  trouble(text: string | null): void;
}

export function createStage(root: HTMLElement): Stage {
  const voice = h("p", { class: "heard", role: "status", "aria-live": "polite" });
  const trouble = h("p", { class: "trouble", role: "status", hidden: true });
  const place = h("main", { class: "place" });
  root.append(trouble, place, voice);
  let current: Screen | null = null;
  return {
    get current() {
      return current;
    },
    show(screen) {
      const first = current === null;
      current?.dispose?.();
      current = screen;
      place.replaceChildren(screen.element);
      const heading = screen.element.querySelector<HTMLElement>("h1");
      // At first the focus stays where the browser has put it: nobody has done anything yet.
      if (!first) (screen.focus ?? heading)?.focus({ preventScroll: true });
      if (!first) window.scrollTo(0, 0);
      voice.textContent = screen.said ?? heading?.textContent ?? "";
    },
    say(text) {
      // The same words twice are said twice only where they change in between.
      voice.textContent = "";
      setTimeout(() => {
        voice.textContent = text;
      }, 50);
    },
    trouble(text) {
      trouble.hidden = text === null;
      if (trouble.textContent !== (text ?? "")) trouble.textContent = text ?? "";
    },
  };
}
