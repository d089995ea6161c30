import { AsyncLocalStorage } from "node:async_hooks";
import type { Database } from "../../db/database.ts";
import type { TelegramApi } from "../../telegram/api.ts";
import { Transient } from "../../telegram/errors.ts";

/** Thrown at everything that a process does after its end. */
export class Killed extends Error {
  override name = "Killed";
}

/** What happens to PostgreSQL or the network during an outage. */
class Outage extends Error {
  override name = "Outage";
}

/** One process among several in a test: what it does to Telegram and PostgreSQL is counted, and ends at a given step. */
export interface MortalProcess {
  /** Steps until its trouble begins; null: it has none. */
  stepsLeft: number | null;
  /** Steps that fail, before and after what they do, until all is well again; null: its trouble is its death. */
  outage: number | null;
  /** Called at each step: what else happens in the world meanwhile. */
  readonly meanwhile: () => void;
}

const processes = new AsyncLocalStorage<MortalProcess>();

/** Runs `work` as a process of its own. Tells whether it was killed; what else it throws arrives. */
export async function runMortal(process: MortalProcess, work: () => Promise<unknown>): Promise<"ended" | "killed"> {
  const isDead = () => process.stepsLeft === 0 && process.outage === null;
  try {
    await processes.run(process, work);
  } catch (error) {
    const expected = isDead() || (process.outage !== null && (error instanceof Outage || error instanceof Transient));
    if (!expected) throw error;
  }
  return isDead() ? "killed" : "ended";
}

/** A call before it goes out, an answer that arrived, a transaction before it begins, before its commit, after it. */
function step(fails: () => Error): void {
  const process = processes.getStore();
  if (!process) return;
  if (process.stepsLeft === 0 && process.outage === null) throw new Killed();
  process.meanwhile();
  if (process.stepsLeft === null) return;
  if (process.stepsLeft > 0) process.stepsLeft -= 1;
  if (process.stepsLeft > 0) return;
  if (process.outage === null) throw new Killed();
  if (process.outage === 0) return;
  process.outage -= 1;
  throw fails();
}

/** A database whose transactions a killed process begins no more; those it was in are rolled back. */
export function mortalDatabase(database: Database): Database {
  const fails = () => new Outage("the connection to PostgreSQL is gone");
  const around = async <T>(transact: (inside: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> => {
    step(fails);
    const result = await transact(async (work) => {
      const done = await work();
      step(fails);
      return done;
    });
    step(fails);
    return result;
  };
  return {
    ...database,
    once: (work) => around((inside) => inside(() => database.once(work))),
    asWorker: (work) => around((inside) => database.asWorker((tx) => inside(() => work(tx)))),
    onceUnderLease: (lease, work) => around((inside) => inside(() => database.onceUnderLease(lease, work))),
    underLease: (lease, work) => around((inside) => database.underLease(lease, (tx) => inside(() => work(tx)))),
  };
}

/** Calls that a killed process makes no more, and whose answers it does not see. */
export function mortalApi(api: TelegramApi): TelegramApi {
  return new Proxy(api, {
    get(target, name: keyof TelegramApi) {
      const call = target[name] as (...given: unknown[]) => Promise<unknown>;
      const fails = () => new Transient("TIMEOUT", name);
      return async (...given: unknown[]) => {
        step(fails);
        const answer = await call.apply(target, given);
        step(fails);
        return answer;
      };
    },
  });
}
