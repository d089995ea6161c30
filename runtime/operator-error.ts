/**
 * An error for whoever runs gramfleet: one clear line that says what is wrong and what to do.
 * Mains and the command line print its message without a stack.
 */
export class OperatorError extends Error {
  override name = "OperatorError";
  readonly exitCode: 1 | 2;

  /** `exitCode` 2 means the call itself was wrong (usage), 1 that it failed. */
  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}
