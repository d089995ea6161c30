import { BlockList, isIP } from "node:net";
import { SessionRefused } from "./session.ts";

/** Telegram's own networks (core.telegram.org/resources/cidr.txt). */
const TELEGRAM = blockList([
  "91.105.192.0/23",
  "91.108.4.0/22",
  "91.108.8.0/22",
  "91.108.12.0/22",
  "91.108.16.0/22",
  "91.108.20.0/22",
  "91.108.56.0/22",
  "149.154.160.0/20",
  "185.76.151.0/24",
  "2001:67c:4e8::/48",
  "2001:b28:f23c::/48",
  "2001:b28:f23d::/48",
  "2001:b28:f23f::/48",
  "2a0a:f280::/32",
]);

/** What GramJS writes in browsers. */
const TELEGRAM_HOST = /^(pluto|venus|aurora|vesta|flora)(-1)?\.web\.telegram\.org$/;
const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/** Where clouds tell machines their secrets, among others: nothing of Telegram's was ever there. */
const LINK_LOCAL = blockList(["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"]);

/** An address as a session names it, checked. @throws SessionRefused where it is none, or link-local */
export function checkAddress(address: string): string {
  const family = isIP(address);
  if (family === 0 && !HOST.test(address))
    throw new SessionRefused("bad_address", "its server is neither an IP address nor the name of a host");
  if (family !== 0 && LINK_LOCAL.check(address, family === 4 ? "ipv4" : "ipv6"))
    throw new SessionRefused("link_local", "its server is a link-local address, where Telegram never was");
  return address;
}

/** @throws SessionRefused where it is no port */
export function checkPort(port: unknown): number {
  if (typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new SessionRefused("bad_address", "its server's port is none");
}

/**
 * Whether a session comes from where it may be used: from Telegram, or from a data center that is configured. By the host
 * alone, since some libraries write 443 whatever the port was. A session without an address goes by its data center's
 * number, as all of them do once they are imported.
 *
 * @param configured `TELEGRAM_DC`, where it is set
 */
export function isAddressAllowed(
  address: string | null,
  configured: readonly { readonly host: string }[] | null,
): boolean {
  if (address === null || configured?.some(({ host }) => host === address)) return true;
  const family = isIP(address);
  return family === 0 ? TELEGRAM_HOST.test(address) : TELEGRAM.check(address, family === 4 ? "ipv4" : "ipv6");
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
