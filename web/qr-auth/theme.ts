/** The page's colours from Telegram's themeParams, as values of its CSS variables. */
export interface Palette {
  readonly scheme: "light" | "dark";
  readonly variables: Readonly<Record<string, string>>;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Of text against what it stands on (WCAG 2.2, AA). */
const AA = 4.5;
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/**
 * Telegram's themes are anybody's, and some of its own colours are too pale to be read: what is, is taken towards black or
 * white until it can be. Null where no background is given.
 */
export function paletteOf(params: Readonly<Record<string, string>>, scheme: "light" | "dark" | null): Palette | null {
  const given = (...names: readonly string[]): Rgb | null => {
    for (const name of names) {
      const colour = parse(params[name]);
      if (colour) return colour;
    }
    return null;
  };
  const surface = given("section_bg_color", "bg_color");
  if (!surface) return null;
  const dark = scheme ? scheme === "dark" : luminance(surface) < 0.2;
  const second = given("secondary_bg_color") ?? surface;
  // No text could be read on two grounds that are opposites.
  const ground = [BLACK, WHITE].some((text) => contrast(text, surface) >= AA && contrast(text, second) >= AA)
    ? second
    : surface;
  const stands = [surface, ground];
  const read = (colour: Rgb | null, otherwise: Rgb) => hex(legible(colour ?? otherwise, stands));
  const text = legible(given("text_color") ?? (dark ? WHITE : BLACK), stands);
  const onAccent = given("button_text_color") ?? WHITE;
  // The label is Telegram's; what gives way is the button.
  const accent = legible(given("button_color", "link_color") ?? [36, 129, 204], [onAccent]);
  return {
    scheme: dark ? "dark" : "light",
    variables: {
      "--ground": hex(ground),
      "--surface": hex(surface),
      "--text": hex(text),
      "--muted": read(given("subtitle_text_color", "hint_color"), mix(text, surface, 0.4)),
      "--accent": hex(accent),
      "--on-accent": hex(onAccent),
      "--link": read(given("accent_text_color", "link_color"), accent),
      "--danger": read(given("destructive_text_color"), [204, 41, 41]),
      "--line": hex(mix(surface, text, 0.14)),
      "--field": hex(mix(surface, text, 0.05)),
    },
  };
}

/** The colour, or the nearest one towards black or white that can be read on all of these. */
function legible(colour: Rgb, on: readonly Rgb[]): Rgb {
  const worst = (candidate: Rgb) => Math.min(...on.map((ground) => contrast(candidate, ground)));
  const target = worst(BLACK) > worst(WHITE) ? BLACK : WHITE;
  for (let part = 0; part < 1; part += 0.05) {
    const candidate = rounded(mix(colour, target, part));
    if (worst(candidate) >= AA) return candidate;
  }
  return target;
}

/** WCAG 2.2's contrast of two colours, `#rrggbb` each: from 1 to 21. */
export function contrastOf(one: string, other: string): number {
  const [first, second] = [parse(one), parse(other)];
  if (!first || !second) throw new Error("no colours");
  return contrast(first, second);
}

function contrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const mix = (from: Rgb, to: Rgb, part: number): Rgb =>
  from.map((value, index) => value + ((to[index] ?? 0) - value) * part) as unknown as Rgb;

const rounded = (colour: Rgb): Rgb => colour.map(Math.round) as unknown as Rgb;

const hex = (colour: Rgb): string =>
  `#${colour.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;

function parse(text: string | undefined): Rgb | null {
  const digits = /^#([0-9a-f]{6})$/i.exec(text ?? "")?.[1];
  return digits ? ([0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)) as unknown as Rgb) : null;
}
