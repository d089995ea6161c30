import { z } from "zod";

/** A moment, as ISO 8601 in UTC. */
export const time = z.string().describe("ISO 8601, UTC.");
