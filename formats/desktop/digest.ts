import { createHash } from "node:crypto";
import type { DesktopMessage, TextSegment } from "./schema.ts";

const sha256 = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");

/** One number for all texts of a channel: sha256 over `id\tsha256(text)\n` in id order, in hex. */
export function textDigest(messages: Iterable<{ readonly id: number; readonly text: string }>): string {
  const digest = createHash("sha256");
  for (const { id, text } of [...messages].sort((a, b) => a.id - b.id)) digest.update(`${id}\t${sha256(text)}\n`);
  return digest.digest("hex");
}

/** An exported message's whole text: its `text_entities` joined, or its `text` where an old export has only that. */
export function textOf(message: DesktopMessage): string {
  return segmentsIn(message)
    .map((segment) => segment.text)
    .join("");
}

/** The segments of an exported message, from `text` where an old export has no `text_entities`. */
export function segmentsIn(message: DesktopMessage): TextSegment[] {
  if (message.text_entities) return message.text_entities;
  const parts = typeof message.text === "string" ? [message.text] : message.text;
  return parts.map((part) => (typeof part === "string" ? { type: "plain", text: part } : part));
}
