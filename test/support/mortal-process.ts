import { AsyncLocalStorage } from "node:async_hooks";
import type { Database } from "../../db/database.ts";
import type { TelegramApi } from "../../telegram/api.ts";

/** Thrown at everything that a process does after its end. */
export class Killed extends Error {
  override name = "Killed";
}

/** One process among several in a test: what it does to Telegram and PostgreSQL is counted, and ends at a given step. */
export interface MortalProcess {
  /** Steps until it is killed; null: it lives. */
  stepsLeft: number | null;
  /** Called at each step: what else happens in the world meanwhile. */
  readonly meanwhile: () => void;
}

const processes = new AsyncLocalStorage<MortalProcess>();

/** Runs `work` as a process of its own. Tells whether it was killed; what else it throws arrives. */
export async function runMortal(process: MortalProcess, work: () => Promise<unknown>): Promise<"ended" | "killed"> {
  try {
    await processes.run(process, work);
  } catch (error) {
    if (process.stepsLeft !== 0) throw error;
  }
  return process.stepsLeft === 0 ? "killed" : "ended";
}

/** A call before it goes out, an answer that arrived, a transaction before it begins, before its commit, after it. */
function step(): void {
  const process = processes.getStore();
  if (!process) return;
  if (process.stepsLeft === 0) throw new Killed();
  process.meanwhile();
  if (process.stepsLeft !== null) process.stepsLeft -= 1;
  if (process.stepsLeft === 0) throw new Killed();
}

/** A database whose transactions a killed process begins no more; those it was in are rolled back. */
export function mortalDatabase(database: Database): Database {
  const around = async <T>(transact: (inside: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> => {
    step();
    const result = await transact(async (work) => {
      const done = await work();
      step();
      return done;
    });
    step();
    return result;
  };
  return {
    ...database,
    once: (work) => around((inside) => inside(() => database.once(work))),
    asWorker: (work) => around((inside) => database.asWorker((tx) => inside(() => work(tx)))),
    underLease: (lease, work) => around((inside) => database.underLease(lease, (tx) => inside(() => work(tx)))),
  };
}

/** Calls that a killed process makes no more, and whose answers it does not see. */
export function mortalApi(api: TelegramApi): TelegramApi {
  return new Proxy(api, {
    get(target, name: keyof TelegramApi) {
      const call = target[name] as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        step();
        const answer = await call.apply(target, given);
        step();
        return answer;
      };
    },
  });
}
