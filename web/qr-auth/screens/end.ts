import { button, h } from "../dom.ts";
import { type IconName, icon } from "../icons.ts";
import type { Page } from "../page.ts";
import type { Screen } from "../stage.ts";

export type End =
  | "authorized"
  | "expired"
  | "cancelled"
  | "wrong_account"
  | "failed"
  | "not_found"
  | "wrong_user"
  | "unavailable";

const LOOKS: Readonly<Record<End, readonly [IconName, "good" | "neutral" | "bad"]>> = {
  authorized: ["done", "good"],
  expired: ["time", "neutral"],
  cancelled: ["stop", "neutral"],
  wrong_account: ["person", "bad"],
  failed: ["stop", "bad"],
  not_found: ["link", "neutral"],
  wrong_user: ["person", "bad"],
  unavailable: ["stop", "neutral"],
};

/** How it ended, and what to do next. */
export function endScreen(
  { texts, telegram }: Page,
  end: End,
  given: {
    /** Telegram's name for what went wrong. */
    readonly reason?: string | undefined;
    /** Begins anew; rejects where that cannot be done from here. Null where it makes no sense. */
    readonly again: (() => Promise<void>) | null;
  },
): Screen {
  const words: { title: string; text: string; action?: string } = texts.ends[end];
  const text = end === "authorized" && !telegram.closes ? texts.ends.authorized.textInBrowser : words.text;
  const [name, mood] = LOOKS[end];
  const reason =
    end === "failed" && given.reason ? h("p", { class: "small" }, texts.ends.failed.reason(given.reason)) : null;
  const lead = h("p", { class: "lead" }, text);
  const actions = h("div", { class: "actions" });
  const { again } = given;
  if (again && words.action) {
    let busy = false;
    const action = button(words.action, "primary", async () => {
      if (busy) return;
      busy = true;
      action.setAttribute("aria-disabled", "true");
      try {
        await again();
      } catch {
        lead.textContent = texts.ends.noRenewal;
        lead.setAttribute("role", "alert");
        action.remove();
      }
    });
    actions.append(action);
  }
  if (telegram.closes)
    actions.append(button(texts.close, actions.childElementCount ? "quiet" : "primary", telegram.close));
  const element = h(
    "div",
    { class: "screen end" },
    h("div", { class: `badge ${mood}` }, icon(name)),
    h("h1", { tabindex: -1 }, words.title),
    lead,
    reason,
    actions,
  );
  return { kind: end, element, said: `${words.title}. ${text}` };
}
