/**
 * A GramJS StringSession: "1" and base64 of DC id, length of the address, address, port, auth key. Clients go by the DC's
 * id; the port is stored as a signed 16-bit number, so the real one often does not fit and 443 stands for it.
 */
export function sessionString(dcId: number, host: string, key: Buffer): string {
  const address = Buffer.from(host);
  const head = Buffer.alloc(3);
  head.writeUInt8(dcId, 0);
  head.writeInt16BE(address.length, 1);
  const port = Buffer.alloc(2);
  port.writeInt16BE(443, 0);
  return `1${Buffer.concat([head, address, port, key]).toString("base64")}`;
}
