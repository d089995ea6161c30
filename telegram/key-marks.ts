import { createHmac } from "node:crypto";
import type { Keyring } from "./vault.ts";

const SIGNS = 8;

/**
 * The keyring as its process may tell of it: of each key its id, and by what another one under that id is told apart.
 * Nothing of the key follows from it.
 */
export const keyMarks = (keyring: Keyring): string[] =>
  keyring.map(
    ({ id, key }) => `${id}:${createHmac("sha256", key).update("gramfleet key mark").digest("hex").slice(0, SIGNS)}`,
  );

/** The id in a mark. */
export const idOfMark = (mark: string): string => mark.slice(0, mark.lastIndexOf(":"));
