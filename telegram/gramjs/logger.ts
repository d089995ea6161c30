import { Logger, LogLevel } from "telegram/extensions/Logger.js";
import type { Log } from "../../runtime/log.ts";

/** A message's first words: what follows in GramJS's own lines can be the bytes of an answer. */
const LONGEST_LINE = 120;

/**
 * GramJS's log, into ours. Its warnings and errors are our debug lines: what matters of them reaches the caller as an
 * error. Its info and debug lines carry raw answers and are dropped.
 */
export class QuietLogger extends Logger {
  readonly #sink: Log;

  constructor(sink: Log) {
    super(LogLevel.NONE);
    this.#sink = sink;
  }

  /** GramJS asks this before it prints errors to the console by itself. */
  override canSend(): boolean {
    return false;
  }

  override warn(message: string): void {
    this.#sink.debug({ library: "gramjs" }, message.slice(0, LONGEST_LINE));
  }

  override error(message: string): void {
    this.#sink.debug({ library: "gramjs" }, message.slice(0, LONGEST_LINE));
  }

  override info(): void {}
  override debug(): void {}
  override log(): void {}
}

const loggers = new WeakMap<Log, QuietLogger>();

/** One for each log: connections share it. */
export function quietLogger(sink: Log): QuietLogger {
  const logger = loggers.get(sink) ?? new QuietLogger(sink);
  loggers.set(sink, logger);
  return logger;
}
