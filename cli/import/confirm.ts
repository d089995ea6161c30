import { OperatorError } from "../../runtime/operator-error.ts";
import { ask } from "../ask.ts";

const STOPPED = "the program that it comes from must be stopped for good: where two use one session, Telegram ends it";

/** @throws OperatorError where the answer is not yes, or nobody is there to give it */
export async function confirmStopped(): Promise<void> {
  const answer = await ask(`${STOPPED}. Is it? (yes)`, { flag: "--yes, once it is" });
  if (answer.toLowerCase() !== "yes") throw new OperatorError("not imported");
}
