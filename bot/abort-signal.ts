import type { Api } from "grammy";

type GrammySignal = NonNullable<Parameters<Api["getMe"]>[0]>;

/** Node's own signals do what grammY's do; its types are of a library that is older than them. */
export const abortSignal = (signal: AbortSignal): GrammySignal => signal as unknown as GrammySignal;
