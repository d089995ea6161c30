/**
 * BullMQ lets a queue be paused for a while (`rateLimit`) only where its Workers have a limiter. This one never limits
 * by itself: calls are limited before each call to Telegram, not by jobs.
 */
export const LIMITER = { max: 1_000_000, duration: 1_000 } as const;
