import { OperatorError } from "../runtime/operator-error.ts";
import { ROWS, type RowName } from "./rows.ts";

/** Takes minutes, and gigabytes that are kept: only where it is asked for. */
const ONLY_WHEN_NAMED: readonly RowName[] = ["growth"];

/**
 * The rows asked for, in the order of the table: all but `growth` where none is named. A name selects its row and those
 * that it is the beginning of (`calls` also selects `calls-changed`); an entry may hold several, separated by commas.
 *
 * @throws OperatorError (usage) where a name selects nothing
 */
export function chooseRows(only: readonly string[]): RowName[] {
  const names = only.flatMap((entry) => entry.split(",")).map((name) => name.trim());
  const selects = (name: string, row: RowName) => row === name || row.startsWith(`${name}-`);
  const unknown = names.filter((name) => !ROWS.some((row) => selects(name, row.name)));
  if (unknown.length > 0)
    throw new OperatorError(
      `there is no row ${unknown.map((name) => name || '""').join(", ")}: ${ROWS.map((row) => row.name).join(", ")}`,
      { exitCode: 2 },
    );
  const chosen = ROWS.map((row) => row.name);
  return names.length === 0
    ? chosen.filter((row) => !ONLY_WHEN_NAMED.includes(row))
    : chosen.filter((row) => names.some((name) => selects(name, row)));
}
