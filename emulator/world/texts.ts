import type { WorldEntity } from "./model.ts";
import type { Random } from "./random.ts";

/** Sentences of several scripts: left to right and right to left, with combining marks and outside the BMP. */
const SENTENCES: readonly string[] = [
  "The harbour opens at six, and the first boats are back before noon.",
  "A small change in the timetable: line 4 stops at the old mill again.",
  "Wegen Bauarbeiten fährt die Straßenbahn heute über die große Brücke.",
  "Nous préparons déjà l'édition d'été, avec un supplément façon carnet.",
  "El pingüino del acuario cumple años: habrá piñata y chocolate.",
  "Утренний обзор: курс почти не изменился, зато подешевели яблоки.",
  "Ночью ожидается гололёд, будьте внимательны на мостах и спусках.",
  "У Львові відкрили ще одну кав'ярню в старій друкарні.",
  "تفتح المكتبة أبوابها غدًا من الساعة التاسعة صباحًا حتى الثامنة مساءً.",
  "وصلت الدفعة الجديدة من الكتب، والعدد محدود.",
  "השוק נפתח היום מוקדם, והתותים כבר הגיעו מהצפון.",
  "新书已经上架,读者可以在周末之前预约。",
  "地铁二号线今晚提前一小时收车,请大家合理安排时间。",
  "𠮷野家的新菜单里多了一道汤。",
  "来週の会議は火曜日に変更になりました。資料は前日に送ります。",
  "이번 주말에는 비가 내리고 기온이 조금 떨어지겠습니다.",
  "आज की बैठक दोपहर दो बजे होगी, कृपया समय पर पहुँचें।",
  "किसानों को इस मौसम में अच्छी फसल की उम्मीद है।",
  "ตลาดน้ำเปิดทุกวันเสาร์ มีก๋วยเตี๋ยวเรืออร่อยมาก",
  "Το μουσείο θα μείνει ανοιχτό ως τα μεσάνυχτα της Κυριακής.",
];

/** With skin tones, ZWJ sequences, flags, keycaps and variation selectors: one sign, up to eleven UTF-16 units. */
const EMOJI = ["🙂", "🔥", "👩🏽‍💻", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "🧑‍🚀", "🐻‍❄️", "✅", "🫱🏻‍🫲🏿"] as const;
const HASHTAGS = ["#news", "#новости", "#أخبار", "#新闻", "#खबर", "#2026_plans"] as const;
const LANGUAGES = ["js", "python", "", "shell"] as const;
const CODE = 'for (const post of posts) {\n  print("→ " + post);\n}';

export interface Text {
  readonly message: string;
  readonly entities: readonly WorldEntity[];
}

/** A post's text of one to six parts. Entities lie on whole signs, overlap at times, and are in Telegram's order. */
export function composeText(random: Random): Text {
  const writer = new TextWriter();
  const parts = random.int(1, 6);
  for (let part = 0; part < parts; part += 1) {
    if (part > 0) writer.plain(random.chance(0.5) ? "\n\n" : " ");
    random.pick(PARTS)(writer, random);
  }
  return writer.finish();
}

/** How an edit changes a text: a new one, or a line more. Never the same text again. */
export function editText(random: Random, before: Text, edit: number): Text {
  if (before.message.length > 2_000 || random.chance(0.3)) {
    const writer = new TextWriter(composeText(random));
    writer.plain(` (${edit})`);
    return writer.finish();
  }
  const writer = new TextWriter(before);
  writer.plain("\n\n");
  writer.marked("messageEntityItalic", {}, () => writer.plain(`Update ${edit}: `));
  writer.plain(random.pick(SENTENCES));
  return writer.finish();
}

export const sentence = (random: Random): string => random.pick(SENTENCES);
export const emoji = (random: Random): string => random.pick(EMOJI);

class TextWriter {
  #text: string;
  readonly #entities: WorldEntity[];

  constructor(begin: Text = { message: "", entities: [] }) {
    this.#text = begin.message;
    this.#entities = [...begin.entities];
  }

  plain(text: string): void {
    this.#text += text;
  }

  /** Whatever `write` writes is one entity; entities within it are nested. */
  marked(type: string, extra: Partial<WorldEntity>, write: () => void): void {
    const offset = this.#text.length;
    write();
    this.#entities.push({ ...extra, type, offset, length: this.#text.length - offset });
  }

  /** Marks the last `length` units once more, across the border of what is there. */
  overlap(type: string, length: number): void {
    const covered = Math.min(length, this.#text.length);
    if (covered > 0) this.#entities.push({ type, offset: this.#text.length - covered, length: covered });
  }

  finish(): Text {
    const entities = [...this.#entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
    return { message: this.#text, entities };
  }
}

type Part = (writer: TextWriter, random: Random) => void;

const marked =
  (type: string, extra: Partial<WorldEntity> = {}): Part =>
  (writer, random) =>
    writer.marked(`messageEntity${type}`, extra, () => writer.plain(random.pick(SENTENCES)));

const PARTS: readonly Part[] = [
  (writer, random) => writer.plain(random.pick(SENTENCES)),
  (writer, random) => writer.plain(`${random.pick(EMOJI)} ${random.pick(SENTENCES)} ${random.pick(EMOJI)}`),
  (writer, random) => writer.plain(random.pick(EMOJI)),
  marked("Bold"),
  marked("Italic"),
  marked("Underline"),
  marked("Strike"),
  marked("Spoiler"),
  marked("Blockquote"),
  marked("Blockquote", { collapsed: true }),
  (writer, random) => writer.marked("messageEntityHashtag", {}, () => writer.plain(random.pick(HASHTAGS))),
  (writer) => writer.marked("messageEntityMention", {}, () => writer.plain("@harbour_news")),
  (writer) => writer.marked("messageEntityEmail", {}, () => writer.plain("hello@example.org")),
  (writer) => writer.marked("messageEntityCashtag", {}, () => writer.plain("$TON")),
  (writer) => writer.marked("messageEntityBotCommand", {}, () => writer.plain("/start")),
  (writer, random) =>
    writer.marked("messageEntityUrl", {}, () => writer.plain(`https://example.org/${random.int(1, 99_999)}`)),
  (writer, random) =>
    writer.marked("messageEntityTextUrl", { url: `https://example.org/?q=ü&n=${random.int(1, 99_999)}` }, () =>
      writer.plain(random.pick(SENTENCES)),
    ),
  (writer, random) => writer.marked("messageEntityCode", {}, () => writer.plain(`0x${random.int(0, 65_535)}`)),
  (writer, random) => writer.marked("messageEntityPre", { language: random.pick(LANGUAGES) }, () => writer.plain(CODE)),
  (writer, random) =>
    // Document ids have 63 bits: no number can hold them.
    writer.marked(
      "messageEntityCustomEmoji",
      { documentId: 5_368_324_170_671_202_286n + BigInt(random.int(0, 9)) },
      () => writer.plain(random.pick(EMOJI)),
    ),
  // A link within bold, within a quote.
  (writer, random) =>
    writer.marked("messageEntityBlockquote", {}, () => {
      writer.marked("messageEntityBold", {}, () => {
        writer.plain("⚡️ ");
        writer.marked("messageEntityTextUrl", { url: "https://example.org/" }, () =>
          writer.plain(random.pick(SENTENCES)),
        );
      });
      writer.plain(` ${random.pick(EMOJI)}`);
    }),
  // Bold and italic that cross each other.
  (writer) => {
    writer.marked("messageEntityBold", {}, () => writer.plain("half of this, "));
    writer.plain("and half of that");
    writer.overlap("messageEntityItalic", 22);
  },
];
