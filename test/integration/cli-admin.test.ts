import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { loadConfig } from "../../config/load.ts";
import { isPassword, nobodysHash } from "../../runtime/password-hash.ts";
import { builtProgram } from "../support/build.ts";

let program: string;
beforeAll(async () => {
  program = join(await builtProgram(), "cli", "main.js");
});
const run = (args: readonly string[], input: string) =>
  spawnSync(process.execPath, [program, "admin", "hash-password", ...args], { input, encoding: "utf8" });

it("makes an entry that ADMIN_USERS takes, of a password on standard input, and shows it nowhere", async () => {
  const ran = run(["ada", "--role", "admin"], "correct horse battery\n");
  expect(ran.status).toBe(0);
  expect(ran.stdout + ran.stderr).not.toContain("horse");
  const [user] = loadConfig({ ADMIN_USERS: `1,${ran.stdout.trim()}` }).api.board.users;
  expect(user).toMatchObject({ name: "ada", role: "admin" });
  expect(await isPassword("correct horse battery", user?.hash ?? nobodysHash())).toBe(true);
});

it.each([
  [["ada"], "short one\n", "a password is one line of 12 characters or more"],
  [["ada"], "correct horse battery\nand a second line\n", "a password is one line"],
  [["1ada"], "correct horse battery\n", "It begins with a letter"],
  // A password among the arguments would be seen by everybody on the machine, and stay in the shell's history.
  [["ada", "correct horse battery"], "", "too many arguments"],
])("refuses %j, in one line", (args, input, line) => {
  const ran = run(args, input);
  expect([ran.status, ran.stdout]).toEqual([2, ""]);
  expect(ran.stderr).toMatch(/^gramfleet: [^\n]+\n$/);
  expect(ran.stderr).toContain(line);
});
