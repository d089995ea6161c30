import { expect, it } from "vitest";
import { adminUsers } from "../../config/admin-users.ts";
import { hashPassword, isPassword, nobodysHash } from "../../runtime/password-hash.ts";

const QUICK = { logN: 14, r: 8, p: 1 };
const hashOf = (text: string) => adminUsers.parse(`ada:admin:${text}`).boardUsers[0]?.hash ?? nobodysHash();

it("knows a password by its hash, and nothing else", async () => {
  const text = await hashPassword("correct horse battery", QUICK);
  expect(await isPassword("correct horse battery", hashOf(text))).toBe(true);
  for (const other of ["", "correct horse batter", "Correct horse battery", "correct  horse battery"])
    expect(await isPassword(other, hashOf(text)), other).toBe(false);
  expect(await isPassword("correct horse battery", nobodysHash())).toBe(false);
});

it("knows the same letters however they are composed, and what was pasted with a space behind it", async () => {
  const hash = hashOf(await hashPassword("Zo\u00eb at the window", QUICK));
  expect(await isPassword("Zoe\u0308 at the window", hash)).toBe(true);
  expect(await isPassword(" Zo\u00eb at the window ", hash)).toBe(true);
});

it("makes another hash of the same password each time", async () => {
  const again = () => hashPassword("correct horse battery", QUICK);
  expect(await again()).not.toBe(await again());
});

it("costs what guessing is to cost, where nothing else is said", async () => {
  expect(hashOf(await hashPassword("correct horse battery"))).toMatchObject({ logN: 15, r: 8, p: 3 });
});

it("does as RFC 7914 says, with the parameters of the hash", async () => {
  // Section 12: P="pleaseletmein", S="SodiumChloride", N=16384, r=8, p=1; the first 32 of 64 bytes are those of dkLen 32.
  const key = Buffer.from("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2", "hex");
  const hash = { logN: 14, r: 8, p: 1, salt: Buffer.from("SodiumChloride"), key };
  expect(await isPassword("pleaseletmein", hash)).toBe(true);
  expect(await isPassword("pleaseletmein", { ...hash, p: 2 })).toBe(false);
});
