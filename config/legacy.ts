/** Names that operators bring from earlier systems, each with the name it has here. */
const LEGACY_NAMES: readonly (readonly [legacy: string, name: string])[] = [
  ["MASTER_API_ID", "MASTER_API_IDS"],
  ["MASTER_API_HASH", "MASTER_API_HASHES"],
  ["TELEGRAM_API_ID_MASTER", "MASTER_API_IDS"],
  ["TELEGRAM_API_HASH_MASTER", "MASTER_API_HASHES"],
  ["TELEGRAM_DATABASE_URL", "DATABASE_URL"],
];

/** A copy of `env` in which legacy names fill what their successors leave unset, and the legacy names that did. */
export function acceptLegacyNames(env: NodeJS.ProcessEnv): { env: NodeJS.ProcessEnv; used: string[] } {
  const accepted = { ...env };
  const used: string[] = [];
  for (const [legacy, name] of LEGACY_NAMES) {
    const value = env[legacy];
    if (value && !accepted[name]) {
      accepted[name] = value;
      used.push(`${legacy} (now ${name})`);
    }
  }
  return { env: accepted, used };
}
