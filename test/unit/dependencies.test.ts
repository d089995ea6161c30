import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly dev?: boolean;
}
const KINDS = ["dependencies", "optionalDependencies", "devDependencies"] as const;
const named = JSON.parse(read("package.json")) as Record<(typeof KINDS)[number], Record<string, string>>;
const locked = (JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> }).packages;
const packages = Object.entries(locked).filter(([path]) => path !== "");

/** The page's tables, a kind of dependencies each. */
const tables = read("docs/dependencies.md")
  .split(/^## /m)
  .map((part) =>
    [...part.matchAll(/^\| (\S+) \| (\d\S*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
      ([, name = "", version = "", licence = "", released = "", why = ""]) => ({
        ...{ name, version, licence: licence.trim(), released: released.trim(), why: why.trim() },
      }),
    ),
  )
  .filter((table) => table.length > 0);

const PERMISSIVE = [
  "MIT",
  "MIT-0",
  "Apache-2.0",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "Unlicense",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "Zlib",
];
/** Used beside us, unchanged, and never shipped. */
const TOOLS: Readonly<Record<string, string>> = { pm2: "AGPL-3.0", "axe-core": "MPL-2.0" };
/** One of them is enough where there is a choice; all are needed where there is none. */
const isPermissive = (licence: string): boolean =>
  licence
    .replace(/[()]/g, "")
    .split(" OR ")
    .some((choice) => choice.split(" AND ").every((one) => PERMISSIVE.includes(one)));

/** As the installed package says; null where it is not installed, as one for another kind of machine. */
function licenceOf(path: string): string | null {
  const file = join(root, path, "package.json");
  if (!existsSync(file)) return null;
  const { license, licenses } = JSON.parse(readFileSync(file, "utf8")) as {
    license?: string | { type: string };
    licenses?: { type: string }[];
  };
  const said = typeof license === "string" ? license : (license?.type ?? licenses?.[0]?.type);
  return said ?? "none";
}

test.each(KINDS.map((kind, at) => [kind, tables[at] ?? []] as const))(
  "the page lists %s, as they are",
  (kind, table) => {
    expect(table.map(({ name }) => name)).toEqual(Object.keys(named[kind]).sort());
    for (const { name, version, licence, released, why } of table) {
      expect(version, name).toBe(locked[`node_modules/${name}`]?.version);
      const installed = licenceOf(`node_modules/${name}`);
      if (installed === null) expect(kind, `${name} is not installed`).toBe("optionalDependencies");
      else expect(installed.replace(/[()]/g, ""), name).toBe(licence);
      expect(
        isPermissive(licence) || (kind === "devDependencies" && TOOLS[name] === licence),
        `${name}: ${licence}`,
      ).toBe(true);
      expect(released, name).toMatch(/^(\d{4}-\d\d-\d\d|\d{4}|before \d{4})( \(\d+\.\d+\.\S+\))?$/);
      expect(why.length, name).toBeGreaterThan(12);
    }
  },
);

test("each package of the lock file has a checksum, and names no registry", () => {
  expect(packages.length).toBeGreaterThan(300);
  expect(
    packages.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? "")).map(([path]) => path),
  ).toEqual([]);
  expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});

test("whatever is shipped has a permissive licence, what is brought along included, but for one that the page names", () => {
  const shipped = packages.filter(([, { dev }]) => dev !== true);
  const licences = shipped.map(([path, { license }]) => [path, licenceOf(path) ?? license ?? "none"] as const);
  expect(licences.length).toBeGreaterThan(100);
  const others = Object.fromEntries(licences.filter(([, licence]) => !isPermissive(licence)));
  // The page says where it comes from, and what that means.
  expect(others).toEqual({ "node_modules/@cryptography/aes": "GPL-3.0-or-later" });
  expect(read("docs/dependencies.md")).toContain("@cryptography/aes");
});

test("a licence that asks for more is none of those", () => {
  const asked = ["MIT OR GPL-3.0", "(MIT OR CC0-1.0)", "GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0", "none"].map(
    isPermissive,
  );
  expect(asked).toEqual([true, true, false, false, false, false]);
});
