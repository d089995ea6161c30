import type { DataCenterAddresses } from "../connection.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Telegram's production data centers, as every client carries them (core.telegram.org/api/datacenter). */
const PRODUCTION: Readonly<Record<number, string>> = {
  1: "149.154.175.53",
  2: "149.154.167.50",
  3: "149.154.175.100",
  4: "149.154.167.91",
  5: "91.108.56.130",
};

/** Where a login without a key begins; Telegram sends it on by PHONE_MIGRATE. */
export function firstDataCenter(configured: DataCenterAddresses | null): number {
  return configured?.addresses[0]?.id ?? 2;
}

/**
 * Where a data center is: what is configured, else what the session remembers of it, else Telegram's own table.
 *
 * @throws where nobody knows the data center
 */
export function addressOf(
  dcId: number,
  configured: DataCenterAddresses | null,
  remembered: Address | null = null,
): Address {
  if (configured) {
    const known = configured.addresses.find((address) => address.id === dcId);
    if (!known) throw new Error(`data center ${dcId} has no configured address`);
    return { host: known.host, port: known.port };
  }
  if (remembered?.host) return { host: remembered.host, port: 443 };
  const host = PRODUCTION[dcId];
  if (!host) throw new Error(`data center ${dcId} is unknown`);
  return { host, port: 443 };
}
