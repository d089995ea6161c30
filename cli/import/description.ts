import { isAddressAllowed } from "../../formats/portable-session/addresses.ts";
import { fingerprintOf, type PortableSession } from "../../formats/portable-session/session.ts";

type Configured = Parameters<typeof isAddressAllowed>[1];

/** What may be shown of a session: all but its key. */
export interface Description extends Omit<PortableSession, "authKey"> {
  readonly keySha256: string;
  readonly addressAllowed: boolean;
}

export function describe(session: PortableSession, configured: Configured): Description {
  const { authKey: _, ...shown } = session;
  return {
    ...shown,
    keySha256: fingerprintOf(session),
    addressAllowed: isAddressAllowed(session.address, configured),
  };
}

export function linesOf(session: Description): string[] {
  const unknown = "not in this format";
  const yes = (value: boolean | null, word: string) => (value === true ? `, ${word}` : "");
  return [
    `format: ${session.format}`,
    `data center: ${session.dcId}${yes(session.isTest, "of Telegram's test servers")}`,
    session.address === null
      ? `server: ${unknown}`
      : `server: ${session.address} port ${session.port}${session.addressAllowed ? "" : ", which is not Telegram's: not to be imported"}`,
    `account: ${session.userId ?? unknown}${yes(session.isBot, "a bot")}`,
    `api_id: ${session.apiId ?? unknown}`,
    `SHA-256 of its key: ${session.keySha256}`,
  ];
}

/** Why this session is not imported, whatever Telegram says of it; null where it may be. */
export function whyNot(session: Description, configured: Configured): string | null {
  if (!session.addressAllowed)
    return `its server, ${session.address}, is neither Telegram's nor in TELEGRAM_DC: whoever runs it may have made this session`;
  if (session.isBot) return "it is a bot's, and bots cannot read channels as people do";
  if (session.isTest && configured === null)
    return "it is of Telegram's test servers: set TELEGRAM_DC and TELEGRAM_DC_PUBLIC_KEY to those";
  return null;
}
