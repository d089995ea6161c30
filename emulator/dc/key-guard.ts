/** A connection as the guard sees it. */
interface Use {
  readonly connectionId: number;
  sessionId: bigint;
}

/**
 * Watches who uses which auth key, and tells when one key has two users.
 *
 * The rule: while two connections with different MTProto session ids are open on one key, and a frame arrives on the
 * older after a frame on the newer, the key has two users. Older and newer go by the first frame with the key. So a
 * successor may open its connection and speak before the predecessor's socket is closed, but then the predecessor must
 * be silent; and one client may come back with its session at any time.
 */
export class KeyGuard {
  /** Open connections by key, oldest first. */
  readonly #uses = new Map<bigint, Use[]>();

  /**
   * Notes a frame. Gives the connections that prove two users, or null.
   * `first` says that the connection had not used the key before.
   */
  frame(
    keyId: bigint,
    connectionId: number,
    sessionId: bigint,
  ): { readonly first: boolean; readonly conflict: readonly [older: number, newer: number] | null } {
    const uses = this.#uses.get(keyId);
    if (!uses) {
      this.#uses.set(keyId, [{ connectionId, sessionId }]);
      return { first: true, conflict: null };
    }
    const index = uses.findIndex((use) => use.connectionId === connectionId);
    if (index === -1) {
      uses.push({ connectionId, sessionId });
      return { first: true, conflict: null };
    }
    uses[index]!.sessionId = sessionId;
    const newer = uses.slice(index + 1).find((use) => use.sessionId !== sessionId);
    return { first: false, conflict: newer ? [connectionId, newer.connectionId] : null };
  }

  /** Open connections that use this key, oldest first. */
  connections(keyId: bigint): readonly number[] {
    return (this.#uses.get(keyId) ?? []).map((use) => use.connectionId);
  }

  closed(keyId: bigint, connectionId: number): void {
    const left = (this.#uses.get(keyId) ?? []).filter((use) => use.connectionId !== connectionId);
    if (left.length === 0) this.#uses.delete(keyId);
    else this.#uses.set(keyId, left);
  }
}
