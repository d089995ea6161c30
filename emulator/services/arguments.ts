import { RpcError, type TlRequest } from "../dc/service.ts";

/** A nested TL object of a request. */
export function objectArgument(request: TlRequest, name: string): TlRequest {
  const value = request[name];
  if (!isTlObject(value)) throw new RpcError(400, "INPUT_REQUEST_INVALID");
  return value;
}

/** A vector of TL objects. */
export function objectsArgument(request: TlRequest, name: string): TlRequest[] {
  const value = request[name];
  if (!Array.isArray(value) || !value.every(isTlObject)) throw new RpcError(400, "INPUT_REQUEST_INVALID");
  return value;
}

/** An int; 0 where the optional field is not set. */
export function intArgument(request: TlRequest, name: string): number {
  const value = request[name];
  return typeof value === "number" ? value : 0;
}

/** A string; "" where the optional field is not set. */
export function textArgument(request: TlRequest, name: string): string {
  const value = request[name];
  return typeof value === "string" ? value : "";
}

/** `bytes`; empty where the optional field is not set. */
export function bytesArgument(request: TlRequest, name: string): Buffer {
  const value = request[name];
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(0);
}

/** A long, signed, whatever class of big integer the parser gives. */
export function longArgument(request: TlRequest, name: string): bigint {
  const value = request[name];
  if (typeof value === "bigint") return value;
  if (value === null || value === undefined) return 0n;
  return BigInt.asIntN(64, BigInt(String(value)));
}

/** A vector of longs. */
export function longsArgument(request: TlRequest, name: string): bigint[] {
  const value = request[name];
  if (!Array.isArray(value)) throw new RpcError(400, "INPUT_REQUEST_INVALID");
  return value.map((item) => BigInt.asIntN(64, BigInt(String(item))));
}

function isTlObject(value: unknown): value is TlRequest {
  return typeof value === "object" && value !== null && "className" in value;
}
