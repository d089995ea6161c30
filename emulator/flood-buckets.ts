/** How much of a method an account may ask for, in Telegram's own time. */
export interface FloodBucket {
  /** Calls that may come at once. */
  readonly burst: number;
  /** Calls a minute afterwards. */
  readonly perMinute: number;
  /** The wait that is handed out when the bucket is empty. */
  readonly waitSeconds: number;
}

const PER_DAY = 1 / (24 * 60);
const PER_HOUR = 1 / 60;

/**
 * Telegram documents none of these. They are what users of its API report, on the careful side; where nobody reports
 * anything the sizes are those of a kindred method.
 */
export const TELEGRAM_BUCKETS: Readonly<Record<string, FloodBucket>> = {
  // About 30 a minute are safe; bursts beyond are punished with hours.
  "contacts.ResolveUsername": { burst: 30, perMinute: 30, waitSeconds: 3_600 },
  // Clients that page through long histories are stopped for about half a minute after some 30 pages in a row.
  "messages.GetHistory": { burst: 30, perMinute: 60, waitSeconds: 28 },
  "channels.GetMessages": { burst: 30, perMinute: 60, waitSeconds: 28 },
  // Recovering from gaps is what every client does all the time: generous, and short waits.
  "updates.GetChannelDifference": { burst: 100, perMinute: 120, waitSeconds: 15 },
  "updates.GetDifference": { burst: 60, perMinute: 60, waitSeconds: 15 },
  "updates.GetState": { burst: 60, perMinute: 60, waitSeconds: 15 },
  // Lists of dialogs are dear; official clients ask once after start.
  "messages.GetDialogs": { burst: 20, perMinute: 20, waitSeconds: 30 },
  "messages.GetPeerDialogs": { burst: 30, perMinute: 30, waitSeconds: 30 },
  // Reported to flood early and long when channels are asked one after another.
  "channels.GetFullChannel": { burst: 60, perMinute: 20, waitSeconds: 300 },
  "channels.GetChannels": { burst: 60, perMinute: 60, waitSeconds: 30 },
  // A handful of joins, then minutes to hours.
  "channels.JoinChannel": { burst: 10, perMinute: 0.2, waitSeconds: 600 },
  // About 5 logins a day for a phone.
  "auth.SendCode": { burst: 5, perMinute: 5 * PER_DAY, waitSeconds: 86_400 },
  "auth.ResendCode": { burst: 3, perMinute: 3 * PER_HOUR, waitSeconds: 3_600 },
  "auth.SignIn": { burst: 15, perMinute: 15 * PER_HOUR, waitSeconds: 3_600 },
  // Guessing a password.
  "auth.CheckPassword": { burst: 5, perMinute: 5 * PER_HOUR, waitSeconds: 3_600 },
  default: { burst: 100, perMinute: 300, waitSeconds: 10 },
};

/** The bucket of a method: its own, or the default one's size; null where there is neither. */
export function bucketFor(buckets: Readonly<Record<string, FloodBucket>>, method: string): FloodBucket | null {
  return buckets[method] ?? buckets.default ?? null;
}
