import { Api } from "telegram/tl/api.js";
import type { Answers } from "../answers.ts";
import { createDecoder } from "./decoder.ts";
import type { Patch } from "./patch.ts";
import { randomAnswer } from "./random-answer.ts";
import { gramJsSchema, type Schema } from "./schema.ts";

/** A message's media are so deep in a difference. More would be felt by every process: GramJS writes and reads slowly. */
const SIZE = { objects: 8, levels: 5 };
const TRIED = ["updates.ChannelDifference", "messages.ChannelMessages", "messages.PeerDialogs"];

let schema: Schema | undefined;
const theSchema = (): Schema => {
  schema ??= gramJsSchema();
  return schema;
};
/** Its answer may be anything. */
const anyRequest = new Api.InvokeWithoutUpdates({ query: new Api.updates.GetState() });

/**
 * Answers with messages, dialogs and channels in them, read straight into the few fields that are mapped, with the
 * engine's 64-bit numbers: GramJS makes objects of a class for every part, and digits of every number.
 */
export const messageDecoder: Patch<Answers> = {
  name: "messages",
  make(original) {
    const { knows, decode } = createDecoder(theSchema());
    return { read: (request, answer) => (knows(answer) ? decode(answer) : original.read(request, answer)) };
  },
  agrees: (ours, theirs) =>
    TRIED.every((name) => {
      const answer = randomAnswer(theSchema(), name, SIZE);
      return isPartOf(ours.read(anyRequest, answer), theirs.read(anyRequest, answer));
    }),
};

/** Whether all of it is in what GramJS has read, and the same. */
export function isPartOf(ours: unknown, theirs: unknown): boolean {
  if (typeof ours === "bigint") return String(ours) === String(theirs);
  if (typeof ours !== "object" || ours === null) return Object.is(ours, theirs);
  if (typeof theirs !== "object" || theirs === null) return false;
  if (Buffer.isBuffer(ours)) return Buffer.isBuffer(theirs) && ours.equals(theirs);
  if (Array.isArray(ours) && (theirs as readonly unknown[]).length !== ours.length) return false;
  return Object.entries(ours).every(([key, value]) => isPartOf(value, theirs[key as keyof typeof theirs]));
}
