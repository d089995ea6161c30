import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { createSrpChallenge, kdfAlgo, passwordVerifier } from "../../emulator/services/srp.ts";
import { provePassword as proveHere } from "../../telegram/gramjs/srp.ts";
import { provePassword as proveInPage } from "../../web/qr-auth/srp.ts";

/** The `a` of both: bytes that are the same each time. */
const secret = vi.hoisted(() => ({ a: Buffer.alloc(256, 7) }));
vi.mock("node:crypto", async (original) => {
  const real = await original<typeof import("node:crypto")>();
  return { ...real, randomBytes: (size: number) => (size === 256 ? Buffer.from(secret.a) : real.randomBytes(size)) };
});

test.each(["correct horse", "Korrektes Pferd 🐎", ""])("the page proves %j as this program does", async (password) => {
  secret.a = Buffer.concat(
    Array.from({ length: 8 }, (_, part) => createHash("sha256").update(`${part}:${password}`).digest()),
  );
  const algo = kdfAlgo(Buffer.from("of this test"), 8n);
  const { srpId, publicValue } = createSrpChallenge(algo, await passwordVerifier(algo, "correct horse"));
  const here = await proveHere({ srpId, srpB: publicValue, ...algo, hint: null }, password);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const inPage = await proveInPage(
    {
      ...{ srp_id: String(srpId), srp_B: hex(publicValue), g: algo.g, p: hex(algo.p), hint: null },
      ...{ salt1: hex(algo.salt1), salt2: hex(algo.salt2) },
    },
    password,
    (bytes) => {
      bytes.set(secret.a);
      return bytes;
    },
  );
  expect(inPage).toEqual({ srp_id: String(srpId), A: hex(here.A), M1: hex(here.M1) });
});
