import type { Variable } from "./variable.ts";
import { VARIABLES } from "./variables.ts";

/** `.env.example`: every variable with its sentence, its default where it has one, else an example or nothing. */
export function envExample(variables: Readonly<Record<string, Variable>> = VARIABLES): string {
  const blocks = Object.entries(variables).map(([name, { schema, says, example }]) => {
    const fallback = schema.safeParse(undefined);
    const value = example ?? (fallback.success && fallback.data !== undefined ? String(fallback.data) : "");
    return `# ${says}\n# ${name}=${value}`;
  });
  return `${["# Copy to .env, and take away the # where you want something else.", ...blocks].join("\n\n")}\n`;
}
