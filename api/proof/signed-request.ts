import { createHmac } from "node:crypto";
import { fromHex, isSame, ProofRefused } from "./signed.ts";

/** A request that its sender has signed: HMAC-SHA256 over `timestamp.body`, in hexadecimal. */
export interface SignedRequest {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** As it came, byte for byte. */
  readonly body: Buffer;
}

/**
 * Checks signature and time, and gives what makes this request itself: whoever accepts it does so once until
 * `expiresAt`, when its timestamp is too old anyhow.
 *
 * @param now milliseconds since the epoch
 * @throws ProofRefused
 */
export function verifySignedRequest(
  request: SignedRequest,
  trust: { readonly secret: string; readonly toleranceSeconds: number },
  now: number,
): { signature: Buffer; expiresAt: Date } {
  const { timestamp } = request;
  // One way of writing a number: what is signed must not be the same moment in other words.
  if (timestamp === undefined || !/^[1-9]\d{0,11}$/.test(timestamp))
    throw new ProofRefused("the timestamp is malformed");
  const signature = fromHex(request.signature, 32);
  const expected = createHmac("sha256", trust.secret).update(`${timestamp}.`).update(request.body).digest();
  if (!isSame(signature, expected)) throw new ProofRefused("the signature is not right");
  const signedAt = Number(timestamp) * 1_000;
  const toleranceMs = trust.toleranceSeconds * 1_000;
  if (Math.abs(now - signedAt) > toleranceMs) throw new ProofRefused("it is too old, or from the future");
  return { signature, expiresAt: new Date(signedAt + 2 * toleranceMs) };
}
