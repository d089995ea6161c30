import { randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getWasmUrl, ige256Decrypt, ige256Encrypt, initSync } from "@mtcute/wasm";
import type { ModulePatch } from "./patch.ts";

interface Cipher {
  encryptIge(plain: Buffer): Buffer;
  decryptIge(cipher: Buffer): Buffer;
}
interface CipherModule {
  IGE: new (key: Buffer, iv: Buffer) => Cipher;
}

const BLOCK = 16;

/** AES-IGE, which every packet goes through, by WebAssembly instead of JavaScript. */
export const wasmAesIge: ModulePatch<CipherModule> = {
  name: "AES-IGE",
  module: "telegram/crypto/IGE.js",
  make() {
    initSync(readFileSync(fileURLToPath(getWasmUrl())));
    return { IGE: WasmIge };
  },
  agrees(ours, theirs) {
    const key = randomBytes(32);
    const iv = randomBytes(32);
    const plain = randomBytes(BLOCK * randomInt(1, 5));
    const cipher = new ours.IGE(key, iv).encryptIge(plain);
    if (!cipher.equals(new theirs.IGE(key, iv).encryptIge(plain))) return false;
    return new ours.IGE(key, iv).decryptIge(cipher).equals(plain);
  },
};

class WasmIge implements Cipher {
  readonly #key: Buffer;
  readonly #iv: Buffer;

  constructor(key: Buffer, iv: Buffer) {
    this.#key = key;
    this.#iv = iv;
  }

  decryptIge(cipher: Buffer): Buffer {
    if (cipher.length % BLOCK !== 0) throw new Error(`AES-IGE: ${cipher.length} bytes are no whole blocks`);
    return toBuffer(ige256Decrypt(cipher, this.#key, this.#iv));
  }

  /** Fills up to a whole block with random bytes, as GramJS does. */
  encryptIge(plain: Buffer): Buffer {
    const over = plain.length % BLOCK;
    const whole = over === 0 ? plain : Buffer.concat([plain, randomBytes(BLOCK - over)]);
    return toBuffer(ige256Encrypt(whole, this.#key, this.#iv));
  }
}

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
