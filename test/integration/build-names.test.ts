import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { builtProgram } from "../support/build.ts";

/** Where errors are told apart by their names in logs, metrics and rows. */
const FOLDERS = ["backup", "config", "db", "login", "queue", "runtime", "telegram", "workers"];
const root = join(import.meta.dirname, "../..");

const filesIn = (folder: string, ending: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(folder, name), "utf8"));

it("the classes of errors are called the same in the program that is built", async () => {
  const built = filesIn(await builtProgram(), ".js").join("\n");
  const sources = FOLDERS.flatMap((folder) => filesIn(join(root, folder), ".ts"));
  const errors = sources.flatMap((text) =>
    [...text.matchAll(/^(?:export )?(?:abstract )?class (\w+) extends (?:\w*Error|Transient|RpcRefused)\b/gm)].map(
      ([, name]) => name,
    ),
  );
  expect(errors.length).toBeGreaterThan(30);
  // A class is named by the variable that it is put into; one that had to give way would be Transient2.
  expect(errors.filter((name) => !new RegExp(`(?:var|class) ${name}\\b`).test(built))).toEqual([]);
});
