import { OperatorError } from "../../runtime/operator-error.ts";

/** The API ID has sent as many codes today as it may. */
export class CodesUsedUp extends OperatorError {}
