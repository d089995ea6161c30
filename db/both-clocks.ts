import { type RawBuilder, sql } from "kysely";

/**
 * A time so long ago that PostgreSQL's clock and ours (`now`) agree on it: what is done away with for its age is not done
 * away with since one of them was set forward.
 */
export const longAgo = (age: { readonly now: Date; readonly ms: number }): RawBuilder<Date> => sql<Date>`
  (least(now(), ${age.now}::timestamptz) - ${age.ms}::float8 * interval '1 millisecond')`;
