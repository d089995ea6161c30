import { relative } from "node:path";
import { type PortableSession, SessionRefused } from "../../formats/portable-session/session.ts";
import { type Description, describe, whyNot } from "../import/description.ts";
import { readFileAt } from "../import/source.ts";
import type { Found } from "./walk.ts";

/** What a file is, and whether it may be imported. */
export interface Candidate extends Partial<Omit<Description, "format">> {
  /** Below the folder that was looked through. */
  readonly path: string;
  readonly format: string | null;
  readonly importable: boolean;
  /** Why it is not. */
  readonly why: string | null;
}

/** A candidate, and the session in it where it may be imported. */
export interface Looked {
  readonly candidate: Candidate;
  readonly session: PortableSession | null;
}

/** Files together may have so many bytes: what is looked through is read whole. */
const MOST_BYTES = 1024 * 1024 * 1024;

/** Looks at files one after the other. Of two with one key the first one counts: a second import would end the first. */
export function createLooking(root: string, configured: Parameters<typeof whyNot>[1]) {
  const keys = new Map<string, string>();
  let read = 0;

  function count(bytes: number): void {
    read += bytes;
  }

  async function session({ path }: Found): Promise<PortableSession> {
    if (read > MOST_BYTES) throw new SessionRefused("too_large", "more than 1 GiB has been read before it");
    return readFileAt(path, { follow: false, onBytes: count });
  }

  /** Null for a file that only looked as if. */
  return async (found: Found): Promise<Looked | null> => {
    const path = relative(root, found.path) || ".";
    if (found.kind === "tdata")
      return refused(path, "tdesktop", "Telegram Desktop's data is not read here: log in by QR code instead");
    try {
      const read = await session(found);
      const description = describe(read, configured);
      const same = keys.get(description.keySha256);
      const why = same === undefined ? whyNot(description, configured) : `it has the same key as ${same}`;
      keys.set(description.keySha256, same ?? path);
      return {
        candidate: { path, ...description, importable: why === null, why },
        session: why === null ? read : null,
      };
    } catch (error) {
      if (!(error instanceof SessionRefused)) throw error;
      return found.named ? refused(path, null, `${error.message} (${error.reason})`) : null;
    }
  };
}

const refused = (path: string, format: string | null, why: string): Looked => ({
  candidate: { path, format, importable: false, why },
  session: null,
});
