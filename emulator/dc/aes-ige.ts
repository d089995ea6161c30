import { createCipheriv, createDecipheriv } from "node:crypto";

/**
 * AES-256 in IGE mode, which node:crypto does not have.
 *
 * IGE encrypts `c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]`. With `y[i] = c[i] ^ p[i-1]` that reads
 * `y[i] = E((p[i] ^ p[i-2]) ^ y[i-1])`: CBC over the plaintext combined with itself two blocks back. So one native CBC
 * call does it, whatever the size. Decryption has no such form and goes block by block; what a data center decrypts
 * (requests) is small, what it encrypts (answers) is not.
 *
 * @param key 32 bytes
 * @param iv 32 bytes: the "ciphertext" before the first block, then the "plaintext" before it
 * @param data a whole number of 16-byte blocks
 */
export function encryptIge(key: Uint8Array, iv: Uint8Array, data: Buffer): Buffer {
  const words = data.length >> 2;
  const plain = wordsOf(data);
  const first = wordsOf(iv);
  const mixed = new Int32Array(words);
  for (let at = 0; at < 4 && at < words; at++) mixed[at] = plain[at]!;
  for (let at = 4; at < 8 && at < words; at++) mixed[at] = plain[at]! ^ first[at]!;
  for (let at = 8; at < words; at++) mixed[at] = plain[at]! ^ plain[at - 8]!;
  const cbc = createCipheriv("aes-256-cbc", key, iv.subarray(0, 16)).setAutoPadding(false);
  const encrypted = cbc.update(new Uint8Array(mixed.buffer));
  const chained = wordsOf(encrypted);
  for (let at = 0; at < 4 && at < words; at++) mixed[at] = chained[at]! ^ first[at + 4]!;
  for (let at = 4; at < words; at++) mixed[at] = chained[at]! ^ plain[at - 4]!;
  return Buffer.from(mixed.buffer);
}

/** Undoes `encryptIge`; same arguments. */
export function decryptIge(key: Uint8Array, iv: Uint8Array, data: Buffer): Buffer {
  const ecb = createDecipheriv("aes-256-ecb", key, null).setAutoPadding(false);
  const cipher = wordsOf(data);
  const first = wordsOf(iv);
  const plain = new Int32Array(cipher.length);
  const block = new Int32Array(4);
  const blockBytes = new Uint8Array(block.buffer);
  for (let at = 0; at < cipher.length; at += 4) {
    const before = at === 0 ? first : plain;
    const beforeAt = at === 0 ? 4 : at - 4;
    for (let word = 0; word < 4; word++) block[word] = cipher[at + word]! ^ before[beforeAt + word]!;
    const decrypted = ecb.update(blockBytes);
    const last = at === 0 ? first : cipher;
    const lastAt = at === 0 ? 0 : at - 4;
    for (let word = 0; word < 4; word++) {
      plain[at + word] = decrypted.readInt32LE(word * 4) ^ last[lastAt + word]!;
    }
  }
  return Buffer.from(plain.buffer);
}

/** The bytes as 32-bit words (of this machine's own order: they are only combined bit by bit), copied where unaligned. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.prototype.slice.call(bytes);
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
}
