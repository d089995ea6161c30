/** What a process tells its parent once it works, over the IPC channel that `up` opens. */
export interface ReadyMessage {
  readonly type: "ready";
  /** Where /live, /ready and /metrics are; 0 where it serves none. */
  readonly port: number;
  /** What else the parent needs to know of it. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Tells the parent, where there is one that listens. pm2 (`wait_ready`) listens for one word. */
export function announceReady(port: number, details?: Readonly<Record<string, unknown>>): void {
  if (!process.send) return;
  const message: ReadyMessage = details ? { type: "ready", port, details } : { type: "ready", port };
  process.send(message);
  process.send("ready");
}
