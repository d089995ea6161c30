import { stringify } from "yaml";
import { type AlertRule, readRules } from "../../support/alert-rules.ts";

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** What is a time in an expression, though it is written as a number of seconds. */
const TIMES: Readonly<Record<string, RegExp>> = { ParsesLate: /(?<=> )300\b/ };

/** Every rule with its times divided by 60, in one file: what takes ten minutes takes ten seconds. */
export function rulesInSixtieths(): string {
  const groups = [...readRules().values()].flatMap(({ groups }) => groups);
  return stringify({ groups: groups.map((group) => ({ ...group, rules: group.rules.map(sixtieth) })) });
}

function sixtieth(rule: AlertRule): AlertRule {
  const times = TIMES[rule.alert];
  if (times && !times.test(rule.expr)) throw new Error(`${rule.alert} has no such time: ${rule.expr}`);
  const expr = rule.expr
    .replaceAll(/\[[^\]]*\]|\boffset \w+/g, (range) => range.replaceAll(/\d+[smhd]/g, shorter))
    .replace(times ?? /$^/, (seconds) => String(Number(seconds) / 60));
  return { ...rule, expr, ...(rule.for === undefined ? {} : { for: shorter(rule.for) }) };
}

function shorter(duration: string): string {
  const [, count = "", unit = ""] = /^(\d+)([smhd])$/.exec(duration) ?? [];
  return `${Math.round((Number(count) * UNITS[unit as keyof typeof UNITS] * 1_000) / 60)}ms`;
}
