import fc from "fast-check";
import { expect, test } from "vitest";
import { contrastOf, paletteOf } from "../../web/qr-auth/theme.ts";

/** Telegram's own, as its clients send them. */
const DAY = {
  ...{ bg_color: "#ffffff", text_color: "#000000", hint_color: "#707579", link_color: "#3390ec" },
  ...{ button_color: "#3390ec", button_text_color: "#ffffff", secondary_bg_color: "#f4f4f5" },
};
const NIGHT = {
  ...{ bg_color: "#212121", text_color: "#ffffff", hint_color: "#aaaaaa", link_color: "#8774e1" },
  ...{ button_color: "#8774e1", button_text_color: "#ffffff", secondary_bg_color: "#181818" },
};

const PAIRS = [
  ...["--text", "--muted", "--link", "--danger"].flatMap((text) => [
    [text, "--surface"],
    [text, "--ground"],
  ]),
  ["--on-accent", "--accent"],
] as const;

function expectLegible(params: Record<string, string>): void {
  const palette = paletteOf(params, null);
  for (const [text, ground] of PAIRS) {
    const { [text ?? ""]: one = "", [ground ?? ""]: other = "" } = palette?.variables ?? {};
    expect(contrastOf(one, other), `${text} on ${ground}: ${one} on ${other}`).toBeGreaterThanOrEqual(4.5);
  }
}

test.each([
  ["day", DAY, "light"],
  ["night", NIGHT, "dark"],
] as const)("Telegram's %s can be read", (_name, params, scheme) => {
  expectLegible(params);
  expect(paletteOf(params, null)?.scheme).toBe(scheme);
  expect(paletteOf(params, null)?.variables).toMatchObject({
    "--surface": params.bg_color,
    "--text": params.text_color,
  });
});

test("whatever a theme's own colours are, they can be read on what they stand on", () => {
  const colour = fc.integer({ min: 0, max: 0xffffff }).map((rgb) => `#${rgb.toString(16).padStart(6, "0")}`);
  const names = ["bg_color", "secondary_bg_color", "text_color", "hint_color", "link_color", "button_text_color"];
  const themes = fc.record(Object.fromEntries(names.map((name) => [name, colour])));
  fc.assert(fc.property(themes, (theme) => expectLegible(theme)));
});

test.each([{}, { bg_color: "white" }, { bg_color: "#fff" }, { text_color: "#000000" }])(
  "without a background, %j changes nothing",
  (params) => {
    expect(paletteOf(params as Record<string, string>, null)).toBeNull();
  },
);
