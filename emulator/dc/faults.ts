import type { AuthKeyRecord, RpcContext, TlRequest } from "./service.ts";

/** A connection that something may go wrong with. */
export interface FaultyConnection {
  readonly state: { readonly connectionId: number };
  /** Those that it has used. */
  keys(): AuthKeyRecord[];
}

/** Where tests break a data center. Everything is asked anew each time, so that a test may change its mind. */
export interface Faults {
  /**
   * Runs after a request was executed and before its answer leaves: may take its time, throw an RpcError to be answered
   * instead, or say "lose" so that nothing is answered.
   */
  beforeAnswer?(request: TlRequest, context: RpcContext): Promise<"lose" | undefined> | "lose" | undefined;
  /**
   * Asked at the opening of each connection: cuts it once so many bytes came from the client, or went to it. The bytes
   * up to there do pass.
   */
  cutAfterBytes?(connectionId: number): { readonly received?: number; readonly sent?: number } | undefined;
  /** Told when {@link cutAfterBytes} has cut a connection. */
  onCut?(connectionId: number): void;
  /** Asked before each message to a client is encrypted: gives what is sent in its place. */
  beforeSealing?(body: Buffer, connection: FaultyConnection): Buffer;
  /** Asked before each frame to a client leaves: gives the bytes that are sent in its place, of whatever length. */
  beforeWriting?(frame: Buffer, connection: FaultyConnection): Buffer;
}
