import type { ApiConfig } from "../../config/api.ts";

/**
 * Of an address's requests, this part may begin logins: people need a few, whoever guesses invites needs many, and each
 * by QR code is a key exchange with Telegram.
 */
const PART_OF_REQUESTS = 0.1;

/** For the `config` of a route that logs in. */
export const loginRate = ({ requestsPerMinute }: Pick<ApiConfig, "requestsPerMinute">) => ({
  max: Math.ceil(requestsPerMinute * PART_OF_REQUESTS),
  timeWindow: 60_000,
});
