import { h } from "./dom.ts";

/** How long a code still lives: a line that grows shorter, and the seconds in words. */
export interface Countdown {
  readonly element: HTMLElement;
  /** @param anew it is another code's, so the line is whole again */
  restart(secondsLeft: number, anew: boolean): void;
  stop(): void;
}

const EVERY_MS = 1_000;

export function createCountdown(
  words: { readonly left: (seconds: number) => string; readonly over: string },
  onOver: (over: boolean) => void,
): Countdown {
  const line = h("span", { class: "line" }, h("span", { class: "left" }));
  const text = h("span", { class: "seconds" });
  // Whoever hears the page is not told every second.
  const element = h("p", { class: "countdown", "aria-hidden": "true" }, line, text);
  let endsAt = 0;
  let whole = 1;

  const tick = () => {
    const seconds = Math.max(0, (endsAt - performance.now()) / 1_000);
    text.textContent = seconds > 0 ? words.left(Math.ceil(seconds)) : words.over;
    line.style.setProperty("--part", String(Math.min(1, seconds / whole)));
    onOver(seconds === 0);
  };
  const timer = setInterval(tick, EVERY_MS);
  return {
    element,
    restart(secondsLeft, anew) {
      endsAt = performance.now() + secondsLeft * 1_000;
      if (anew) whole = Math.max(secondsLeft, 1);
      tick();
    },
    stop: () => clearInterval(timer),
  };
}
