import type { Socket } from "node:net";

/**
 * What goes over the supervisor's socket: one line each way. A command holds the connection open for as long as it
 * needs the services; when it ends, however it ends, the kernel closes it.
 */
export type ServiceName = "postgres" | "redis";

export interface HoldRequest {
  readonly needs: readonly ServiceName[];
}

export type HoldAnswer =
  | {
      readonly ok: true;
      readonly supervisorPid: number;
      readonly postgresDir: string;
      readonly cluster: string;
      readonly redisSocket: string;
    }
  | { readonly ok: false; readonly message: string };

/** What a supervisor tells whoever started it, over the IPC channel. */
export type StartReport =
  | { readonly type: "listening" }
  /** Another supervisor has the data directory. */
  | { readonly type: "busy" }
  | { readonly type: "failed"; readonly message: string };

/** The first line that comes over the socket; null where it ends before. */
export function firstLine(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    });
    socket.once("error", () => resolve(null));
    socket.once("close", () => resolve(null));
  });
}
