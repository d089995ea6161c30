import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { breaches, readRules, type SourceFile } from "../support/architecture.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rules = readRules(readFileSync(join(root, "ARCHITECTURE.md"), "utf8"));

const file = (path: string, source: string): SourceFile => ({ path, source });

test("every import is one that ARCHITECTURE.md's table allows", () => {
  const files = sourceFiles();
  expect(files.length).toBeGreaterThan(100);
  expect(breaches(files, rules)).toEqual([]);
});

test("every row of the table is about something that is there", () => {
  const paths = sourceFiles().map(({ path }) => path);
  const matched = (where: string) => paths.some((path) => path === where || path.startsWith(`${where}/`));
  const restricting = rules.filter(({ where, imports }) => !where.startsWith("*/") && !imports.includes("**"));
  const empty = restricting.filter(({ where }) => !matched(where));
  expect(empty.map(({ where }) => where)).toEqual([]);
});

test.each([
  ["scheduler/due-scan.ts", 'import { parseUser } from "../workers/handlers/parse-user.ts";', "imports workers/"],
  ["config/plans.ts", 'import { sleep } from "../runtime/sleep.ts";', "imports runtime/sleep.ts"],
  ["queue/jobs.ts", 'export * from "../db/users.ts";', "imports db/users.ts"],
  ["workers/parse/read.ts", 'import { Queue } from "bullmq";', "imports bullmq, which is not its own"],
  ["workers/parse/read.ts", 'import { Api } from "telegram/tl/index.js";', "imports telegram, which is not its own"],
  ["telegram/lease.ts", 'import { Api } from "telegram";', "imports telegram, which is not its own"],
  ["cli/users.ts", 'import {\n  sql,\n  type Kysely,\n} from "kysely";', "imports kysely, which is not its own"],
  ["workers/main.ts", 'const { startEmulator } = await import("../emulator/start.ts");', "imports emulator/start.ts"],
  ["cli/users.ts", 'import "../emulator/start.ts";', "imports emulator/start.ts"],
  ["cli/users.ts", 'import { runWorker } from "../workers/main.ts";', "imports workers/main.ts"],
  ["formats/jsonl.ts", 'import { insert } from "../db/messages.ts";', "imports db/messages.ts"],
  ["db/users.ts", 'import type { Job } from "../queue/jobs.ts";', "imports the types of queue/jobs.ts"],
  ["workers/parse/read.ts", "const url = process.env.DATABASE_URL;", "reads process.env"],
  ["workers/parse/read.ts", "await import(name);", "imports by a name that cannot be read here"],
  ["attic/old.ts", "", "lies in no folder of the import table"],
])("a breach is seen: %s with %s", (path, source, breach) => {
  const found = breaches([file(path, source)], rules);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(`${path} ${breach}`);
});

test.each([
  ["formats/jsonl.ts", 'import type { StoredMessage } from "../db/messages.ts";'],
  ["formats/jsonl.ts", 'import { type StoredMessage } from "../db/messages.ts";'],
  ["telegram/gramjs/api.ts", 'import { Api } from "telegram";'],
  ["telegram/lease.ts", 'import type { Redis } from "ioredis";\nimport { insertLease } from "../db/leases.ts";'],
  ["scheduler/main.ts", 'import { createProducer } from "../queue/producer.ts";'],
  ["cli/processes.ts", 'const { runWorker } = await import("../workers/main.ts");'],
  ["test/unit/x.test.ts", 'import { Queue } from "bullmq";\nimport { up } from "../../cli/up.ts";'],
  [
    "workers/parse/read.ts",
    '// import { Queue } from "bullmq";\n/* process.env */\nconst url = "http://a"; // process.env',
  ],
])("what is allowed is left alone: %s with %s", (path, source) => {
  expect(breaches([file(path, source)], rules)).toEqual([]);
});

function sourceFiles(): SourceFile[] {
  const left = new Set(["node_modules", "dist", "coverage"]);
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => !left.has(entry.name) && !entry.name.startsWith("."),
  );
  return folders
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(entry.name) : [entry.name]))
    .filter((path) => path.endsWith(".ts"))
    .map((path) => file(path, readFileSync(join(root, path), "utf8")));
}

function filesBelow(folder: string): string[] {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return paths.map((path) => `${folder}/${path.replaceAll("\\", "/")}`);
}
