import { randomBytes } from "node:crypto";
import type { WorldUser } from "../world/model.ts";
import { TlWriter } from "./primitives.ts";
import { encodeAuthorization } from "./write-login.ts";

/** `auth.loginToken`; `expires` in Unix seconds. */
export function encodeLoginToken(expires: number, token: Buffer): Buffer {
  return new TlWriter(64).int(0x629f1980).int(expires).bytes(token).finish();
}

/** `auth.loginTokenMigrateTo`. */
export function encodeLoginTokenMigrateTo(dcId: number, token: Buffer): Buffer {
  return new TlWriter(64).int(0x068e9916).int(dcId).bytes(token).finish();
}

/** `auth.loginTokenSuccess`. */
export function encodeLoginTokenSuccess(user: WorldUser, accessHash: bigint): Buffer {
  return new TlWriter(192).int(0x390d5c5e).raw(encodeAuthorization(user, accessHash)).finish();
}

/** `authorization`: the device that was let in, as the account that let it in is shown it. */
export function encodeAccepted(apiId: number, date: number): Buffer {
  const writer = new TlWriter(128).int(0xad01d61d).int(0).long(randomBytes(8).readBigInt64LE(0));
  // device_model, platform, system_version
  writer.bytes("gramfleet").bytes("").bytes("");
  // api_id, app_name, app_version, date_created, date_active, ip, country, region
  writer.int(apiId).bytes("").bytes("").int(date).int(date);
  return writer.bytes("127.0.0.1").bytes("").bytes("").finish();
}

/** `updateLoginToken`, in an `updateShort`: somebody has accepted the token. */
export function encodeLoginTokenUpdate(date: number): Buffer {
  return new TlWriter(12).int(0x78d4dec1).int(0x564fe691).int(date).finish();
}
