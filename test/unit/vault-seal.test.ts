import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createVault, VaultError } from "../../telegram/vault.ts";

const key = (id: string) => ({ id, key: randomBytes(32) });
const SESSION = "1-a-string-session-that-nobody-else-may-read";
const binding = { tenantId: "default", sessionId: 7n, telegramId: 4_000_000_000n, apiId: 1001 };

const failure = (work: () => unknown): VaultError => {
  try {
    work();
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
  throw new Error("it opened");
};

describe("seal and open", () => {
  test("what was sealed comes back, and its fingerprint is of the clear session", () => {
    const vault = createVault([key("k1")]);
    const sealed = vault.seal(SESSION, binding);
    expect(vault.open(sealed, binding)).toBe(SESSION);
    expect(sealed.fingerprintSize).toBe(SESSION.length);
    expect(sealed.fingerprint).toHaveLength(32);
    expect(sealed.ciphertext.includes(SESSION)).toBe(false);
  });

  test("each seal has a data key of its own", () => {
    const vault = createVault([key("k1")]);
    const [one, two] = [vault.seal(SESSION, binding), vault.seal(SESSION, binding)];
    expect(one.ciphertext.equals(two.ciphertext)).toBe(false);
    expect(one.wrappedKey.equals(two.wrappedKey)).toBe(false);
    expect(() => vault.open({ ...one, wrappedKey: two.wrappedKey }, binding)).toThrow(VaultError);
  });

  test("a keyring that grew at its front opens what it sealed before, and seals with its first key", () => {
    const [old, fresh] = [key("old"), key("new")];
    const sealed = createVault([old]).seal(SESSION, binding);
    const vault = createVault([fresh, old]);
    expect(vault.open(sealed, binding)).toBe(SESSION);
    expect(vault.seal(SESSION, binding).keyId).toBe("new");
  });
});

describe("the hash of an own API ID", () => {
  const vault = createVault([key("k1")]);
  const own = { id: "3f2a", tenantId: "default", apiId: 77 };
  const sealed = vault.sealApiHash("0123456789abcdef", own);

  test("comes back for its own row alone", () => {
    expect(vault.openApiHash(sealed, own)).toBe("0123456789abcdef");
    expect(sealed.ciphertext.includes("0123456789abcdef")).toBe(false);
    for (const other of [
      { ...own, id: "3f2b" },
      { ...own, tenantId: "another" },
      { ...own, apiId: 78 },
    ])
      expect(failure(() => vault.openApiHash(sealed, other)).reason).toBe("not_authentic");
  });

  test("is no session, and a session is none", () => {
    expect(failure(() => vault.open(sealed, binding)).reason).toBe("not_authentic");
    expect(failure(() => vault.openApiHash(vault.seal(SESSION, binding), own)).reason).toBe("not_authentic");
  });
});

describe("what does not open", () => {
  const keyring = [key("k1")];
  const vault = createVault(keyring);
  const sealed = vault.seal(SESSION, binding);
  const flipped = (buffer: Buffer, at: number) => {
    const copy = Buffer.from(buffer);
    copy[at] = copy[at]! ^ 1;
    return copy;
  };

  test.each([
    { what: "another tenant", other: { tenantId: "other" } },
    { what: "another session", other: { sessionId: 8n } },
    { what: "another account", other: { telegramId: 4_000_000_001n } },
    { what: "another API ID", other: { apiId: 1002 } },
  ])("a row copied to $what", ({ other }) => {
    expect(failure(() => vault.open(sealed, { ...binding, ...other })).reason).toBe("not_authentic");
  });

  test("a single bit changed anywhere", () => {
    for (const field of ["ciphertext", "wrappedKey"] as const)
      for (let at = 0; at < sealed[field].length; at += 1) {
        const tampered = { ...sealed, [field]: flipped(sealed[field], at) };
        expect(failure(() => vault.open(tampered, binding)).reason).toBe("not_authentic");
      }
  });

  test("a row cut off", () => {
    for (const length of [0, 1, 12, 28, 29])
      expect(() => vault.open({ ...sealed, ciphertext: sealed.ciphertext.subarray(0, length) }, binding)).toThrow(
        VaultError,
      );
  });

  test("a key that is not in the keyring, or another one under its name", () => {
    expect(failure(() => createVault([key("k2")]).open(sealed, binding)).reason).toBe("unknown_key");
    expect(failure(() => createVault([key("k1")]).open(sealed, binding)).reason).toBe("not_authentic");
  });

  test("a session that is not the one whose fingerprint was recorded", () => {
    const other = vault.seal("1-another", binding);
    const mixed = { ...other, fingerprint: sealed.fingerprint, fingerprintSize: sealed.fingerprintSize };
    expect(failure(() => vault.open(mixed, binding)).reason).toBe("wrong_fingerprint");
  });

  test("no error tells anything of the session or a key", () => {
    const error = failure(() => createVault([key("k1")]).open(sealed, binding));
    const told = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
    expect(told).not.toContain(SESSION);
    expect(told).not.toContain(keyring[0]!.key.toString("base64"));
  });
});

test("no key, no start", () => {
  expect(() => createVault([])).toThrow(OperatorError);
});
