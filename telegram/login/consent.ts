import { type Agreed, hasConsented, recordConsent } from "../../db/consents.ts";
import type { WorkerTx } from "../../db/database.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Who logs in was not shown what they agree to, and has to be. */
export class ConsentMissing extends OperatorError {}

/** What a login asks of consent. */
export interface ConsentRule {
  /** Of the text in force. */
  readonly version: string;
  readonly required: boolean;
}

/**
 * Records what somebody was shown, in the transaction that makes their session AUTHORIZED.
 *
 * @throws ConsentMissing where it is required, and they were shown nothing, now or before
 */
export async function settleConsent(
  tx: WorkerTx,
  who: { readonly tenantId: string; readonly userId: bigint },
  agreed: Agreed | null,
  rule: ConsentRule | undefined,
): Promise<void> {
  if (agreed) return recordConsent(tx, who, agreed);
  if (!rule?.required || (await hasConsented(tx, who.userId, rule.version))) return;
  throw new ConsentMissing("nobody is logged in without having been shown what they agree to (CONSENT_REQUIRED)");
}
