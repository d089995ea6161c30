import { provePassword } from "../telegram/gramjs/srp.ts";
import type { PasswordParameters, PasswordProof } from "../telegram/login/password.ts";

/** Proves a password here, by what the ticket asks for: the password itself goes to no other process. */
export async function tryPassword<View extends { readonly password: PasswordParameters | null; reason: string | null }>(
  password: string,
  ticket: { status(): Promise<View | null>; prove(proof: PasswordProof): Promise<View | null> },
): Promise<View | null> {
  for (let again = true; ; again = false) {
    const asked = await ticket.status();
    if (!asked?.password) return asked;
    const judged = await ticket.prove(await provePassword(asked.password, password));
    // The parameters go stale after a while: the new ones are tried once.
    if (!again || judged?.reason !== "SRP_ID_INVALID") return judged;
  }
}
