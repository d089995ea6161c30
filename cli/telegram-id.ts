import { OperatorError } from "../runtime/operator-error.ts";

/** A telegram_id as typed. @throws OperatorError (usage) where it is none */
export function parseTelegramId(text: string): bigint {
  if (!/^[1-9]\d{0,18}$/.test(text)) {
    throw new OperatorError(`"${text}" is no telegram_id: it is a whole number above 0`, { exitCode: 2 });
  }
  return BigInt(text);
}
