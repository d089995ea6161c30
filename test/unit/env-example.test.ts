import { expect, test } from "vitest";
import { z } from "zod";
import { envExample } from "../../config/env-example.ts";

test(".env.example is what the table of variables says (vitest -u writes it anew)", async () => {
  await expect(envExample()).toMatchFileSnapshot("../../.env.example");
});

test("shows a sentence with each variable, and its example, default, or nothing", () => {
  const variables = {
    WITH_DEFAULT: { schema: z.string().default("x"), says: "One." },
    WITH_EXAMPLE: { schema: z.string().optional(), says: "Two.", example: "y" },
    BARE: { schema: z.string().optional(), says: "Three." },
  };
  const [, ...blocks] = envExample(variables).trimEnd().split("\n\n");
  expect(blocks).toEqual(["# One.\n# WITH_DEFAULT=x", "# Two.\n# WITH_EXAMPLE=y", "# Three.\n# BARE="]);
});
