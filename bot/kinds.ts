/** What the bot wants to be told of. */
export const KINDS = ["message", "callback_query"] as const;
