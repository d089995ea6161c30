const LINK = /^tg:\/\/login\?token=([A-Za-z0-9_-]+={0,2})$/;

/**
 * The token of a login link, as a phone's camera reads it from a QR code (core.telegram.org/api/qr-login).
 *
 * @throws where it is no such link
 */
export function tokenOfLink(link: string): Buffer {
  const token = LINK.exec(link.trim())?.[1];
  if (token === undefined) throw new Error(`no login link: tg://login?token=… is one`);
  return Buffer.from(token, "base64url");
}
