import { announceReady } from "../runtime/ready.ts";
import type { Answer } from "./process.ts";

/**
 * The main of a side: answers the driver's questions until the driver is gone or sends SIGTERM, then runs `close`.
 * Called at the end of the module, when everything is prepared.
 */
export function serve(questions: Readonly<Record<string, () => Promise<unknown>>>, close: () => Promise<void>): void {
  const answer = (message: Answer) => void process.send?.(message);
  process.on("message", ({ ask }: { readonly ask: string }) => {
    const asked = questions[ask] ?? (() => Promise.reject(new Error(`no such question: ${ask}`)));
    asked().then(
      (value) => answer({ type: "answer", value }),
      (error: unknown) => answer({ type: "failed", message: error instanceof Error ? `${error.stack}` : `${error}` }),
    );
  });
  const end = () => void close().finally(() => process.exit(0));
  process.once("SIGTERM", end);
  process.once("disconnect", end);
  announceReady(0);
}
