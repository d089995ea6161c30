import type { z } from "zod";
import { OperatorError } from "../runtime/operator-error.ts";
import { formatPath } from "./json.ts";

/** What the schema makes of a part of a file. @throws OperatorError naming the file and the place */
export function check<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: readonly PropertyKey[],
  file: string,
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw broken(file, [...path, ...(issue?.path ?? [])], issue?.message ?? "is not what was expected");
}

/** A place in a file that is not as it must be. */
export function broken(file: string, path: readonly PropertyKey[], problem: string): OperatorError {
  return new OperatorError(`${file}: ${formatPath(path)}: ${problem.charAt(0).toLowerCase()}${problem.slice(1)}`);
}
