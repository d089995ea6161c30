import type { Log } from "./log.ts";

type Release = () => Promise<void> | void;

/**
 * What a process owns. Each resource registers its release at the moment it is acquired; `close` releases the newest
 * first, each once, and goes on when one fails.
 */
export class Lifecycle {
  readonly #owned: { name: string; release: Release }[] = [];
  readonly #log: Log;
  #closing: Promise<void> | null = null;
  readonly #stop = new AbortController();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Aborted as soon as `close` begins: loops and waits listen to it. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Registers `release` for `resource` and gives the resource back. One that comes after `close` is released at once. */
  own<T>(name: string, resource: T, release: (resource: T) => Promise<void> | void): T {
    this.#owned.push({ name, release: () => release(resource) });
    if (this.#closing !== null) this.#closing = this.#closing.then(() => this.#releaseAll());
    return resource;
  }

  /** Releases everything, newest first. A second call waits for the first one. */
  close(): Promise<void> {
    this.#closing ??= this.#releaseAll();
    return this.#closing;
  }

  async #releaseAll(): Promise<void> {
    this.#stop.abort();
    for (let item = this.#owned.pop(); item; item = this.#owned.pop()) {
      try {
        await item.release();
      } catch (error) {
        this.#log.error({ err: error, resource: item.name }, "release failed");
      }
    }
  }

  /**
   * Closes on SIGTERM and SIGINT, and when a parent that held an IPC channel to us is gone; a second signal is final
   * (exit 130). Resolves when closed, for a main that has something to do afterwards.
   */
  closeOnSignals(): Promise<string> {
    return new Promise((resolve) => {
      let asked = false;
      const onSignal = (signal: string) => {
        if (asked) process.exit(130);
        asked = true;
        this.#log.info({ signal }, "stopping");
        void this.close().then(() => resolve(signal));
      };
      process.on("SIGTERM", onSignal);
      process.on("SIGINT", onSignal);
      if (process.connected) {
        process.once("disconnect", () => asked || onSignal("disconnect"));
        // Listening alone would keep a process alive that has nothing left to do.
        process.channel?.unref();
      } else if (process.send) {
        // The parent was gone before we listened.
        onSignal("disconnect");
      }
    });
  }
}
