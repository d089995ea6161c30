import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import type { RequestState } from "telegram/network/RequestState.js";

type Request = RequestState["request"];

/** Reads the answers to calls. */
export interface Answers {
  /** @throws what GramJS's reader throws: TypeNotFoundError where our layer does not know a part of it */
  read(request: Request, answer: Buffer): unknown;
}

/** GramJS's own way, until `codec/fast-codec` puts its decoder here. */
export const answers: Answers = {
  read: (request, answer) => request.readResult(new BinaryReader(answer)),
};
