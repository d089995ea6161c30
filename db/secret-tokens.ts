import { createHash, randomBytes } from "node:crypto";

/** 256 bits, safe in URLs and cookies. */
export const newToken = (): string => randomBytes(32).toString("base64url");

/** What is stored of a token or code instead of it. */
export const sha256 = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();
