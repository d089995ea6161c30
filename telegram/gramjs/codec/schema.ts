import { createRequire } from "node:module";

/** One field of a TL constructor, named as GramJS names it. */
export interface Field {
  readonly name: string;
  /** `int`, `string`, … or the name of a boxed type; `#` holds bits that say which others are there. */
  readonly type: string;
  readonly vector: boolean;
  /** Where it is there only if a bit is set. */
  readonly bit: { readonly flags: string; readonly index: number } | null;
}

export interface Definition {
  readonly id: number;
  /** GramJS's: `updates.ChannelDifference`. */
  readonly className: string;
  /** The boxed type that it is one of. */
  readonly type: string;
  readonly fields: readonly Field[];
}

/** The constructors of GramJS's TL layer, each parsed when it is first asked for: a process meets some dozens of 1,400. */
export interface Schema {
  constructorOf(id: number): Definition | undefined;
  /** The ids of a boxed type's constructors. */
  idsOf(type: string): readonly number[];
}

const FUNCTIONS = "---functions---";
/** GramJS reads these without a class (core.telegram.org/mtproto/TL-formal). */
const BY_HAND = new Set(["Bool", "True", "Error", "Null", "Vector t"]);
/** A conditional field's type, and a list's. */
const CONDITIONAL = /^(flags\d*)\.(\d+)\?(.+)$/;
const LIST = /^Vector<(.+)>$/;

/** The schema that GramJS itself makes its classes of, so that both know the same layer. */
export function gramJsSchema(): Schema {
  const [types = ""] = (createRequire(import.meta.url)("telegram/tl/apiTl.js") as string).split(FUNCTIONS);
  const lines = new Map<number, string>();
  const byType = new Map<string, number[]>();
  for (const line of types.split("\n")) {
    const type = line.slice(line.lastIndexOf(" = ") + 3, line.lastIndexOf(";"));
    const hash = line.indexOf("#");
    if (hash < 0 || BY_HAND.has(type)) continue;
    const id = Number.parseInt(line.slice(hash + 1, line.indexOf(" ")), 16);
    lines.set(id, line);
    const ofType = byType.get(type);
    if (ofType) ofType.push(id);
    else byType.set(type, [id]);
  }
  const parsed = new Map<number, Definition>();
  return {
    idsOf: (type) => byType.get(type) ?? [],
    constructorOf(id) {
      const known = parsed.get(id);
      const line = known ? undefined : lines.get(id);
      if (line === undefined) return known;
      const definition = parseLine(id, line);
      parsed.set(id, definition);
      return definition;
    },
  };
}

/** `message#96fdbbe9 flags:# out:flags.1?true … = Message;` */
function parseLine(id: number, line: string): Definition {
  const [head = "", ...rest] = line.slice(0, line.lastIndexOf(" = ")).split(" ");
  return {
    id,
    className: classNameOf(head.slice(0, head.indexOf("#"))),
    type: line.slice(line.lastIndexOf(" = ") + 3, line.lastIndexOf(";")),
    fields: rest.filter(Boolean).map(parseField),
  };
}

function parseField(text: string): Field {
  const colon = text.indexOf(":");
  const name = text.slice(0, colon).replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const [, flags = null, index, conditional] = CONDITIONAL.exec(text.slice(colon + 1)) ?? [];
  const type = conditional ?? text.slice(colon + 1);
  const item = LIST.exec(type)?.[1];
  return {
    name,
    type: item ?? type,
    vector: item !== undefined,
    bit: flags === null ? null : { flags, index: Number(index) },
  };
}

/** `updates.channelDifference` is `updates.ChannelDifference`. */
function classNameOf(name: string): string {
  const dot = name.indexOf(".") + 1;
  const bare = name.slice(dot).replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return name.slice(0, dot) + bare.replace(/_/g, "");
}
