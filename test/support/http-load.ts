import { request } from "node:http";
import { sleep } from "../../runtime/sleep.ts";

export interface HttpLoad {
  /** Ends it, and gives how many requests were answered with 200, and what became of the others. */
  stop(): Promise<{ readonly answered: number; readonly failures: readonly string[] }>;
}

/** So that it is people who ask, and not the machine's limit that is looked for. */
const PAUSE_MS = 40;

/** Asks for `url` again and again, `parallel` at once, each on a connection of its own as from people who come and go. */
export function startHttpLoad(url: string, parallel: number): HttpLoad {
  const failures: string[] = [];
  let answered = 0;
  let stopping = false;
  const client = async () => {
    while (!stopping) {
      const outcome = await get(url);
      if (outcome === "200") answered += 1;
      else failures.push(outcome);
      await sleep(PAUSE_MS);
    }
  };
  const clients = Array.from({ length: parallel }, client);
  return {
    async stop() {
      stopping = true;
      await Promise.all(clients);
      return { answered, failures };
    },
  };
}

function get(url: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(url, { agent: false, timeout: 20_000 }, (response) => {
      response.resume();
      response.once("error", (error) => resolve(error.message));
      response.once("end", () => resolve(String(response.statusCode)));
    });
    asked.once("timeout", () => asked.destroy(new Error("no answer")));
    asked.once("error", (error) => resolve(error.message));
    asked.end();
  });
}
