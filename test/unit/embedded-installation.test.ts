import { cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDataDir } from "../../embedded/data-dir.ts";
import { embeddedInstallation } from "../../embedded/installation.ts";

test("a data directory is the same installation under another name, and its copy is another", () => {
  const place = mkdtempSync(join(tmpdir(), "gramfleet-installation-"));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const of = (name: string) => embeddedInstallation(openDataDir(join(place, name)));
  const first = of("one");
  expect(of("one")).toEqual(first);
  cpSync(join(place, "one"), join(place, "copy"), { recursive: true, preserveTimestamps: true });
  expect(of("copy").INSTALL_ID).not.toBe(first.INSTALL_ID);
  renameSync(join(place, "one"), join(place, "moved"));
  expect(of("moved")).toEqual({ INSTALL_ID: first.INSTALL_ID, INSTALL_MARK_DIR: join(place, "moved", "marks") });
});
