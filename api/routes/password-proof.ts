import { z } from "zod";
import type { Tickets, TicketView } from "../../login/tickets.ts";

type PasswordProof = Parameters<Tickets["prove"]>[2];
type PasswordParameters = NonNullable<TicketView["password"]>;

const hexOf = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`), `${bytes} bytes in hexadecimal`);
const isLong = (text: string) => /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);

/** The fields of a request that proves the two-step password instead of saying it (core.telegram.org/api/srp). */
export const proofFields = {
  srp_id: z.string().refine(isLong, "a 64-bit number"),
  A: hexOf(256),
  M1: hexOf(32),
};
const proof = z.object(proofFields);

/** What such a proof is made from. */
export const passwordParameters = z
  .object({
    ...{ srp_id: z.string(), srp_B: z.string(), salt1: z.string(), salt2: z.string() },
    ...{ g: z.number().int(), p: z.string(), hint: z.string().nullable() },
  })
  .describe("What a proof of the password is made from (core.telegram.org/api/srp); bytes in hexadecimal.");

export const proofOf = ({ srp_id, A, M1 }: z.output<typeof proof>): PasswordProof => ({
  ...{ srpId: BigInt(srp_id), A: Buffer.from(A, "hex"), M1: Buffer.from(M1, "hex") },
});

export const toPasswordParameters = (asked: PasswordParameters): z.output<typeof passwordParameters> => ({
  ...{ srp_id: String(asked.srpId), srp_B: asked.srpB.toString("hex"), g: asked.g, p: asked.p.toString("hex") },
  ...{ salt1: asked.salt1.toString("hex"), salt2: asked.salt2.toString("hex"), hint: asked.hint },
});
