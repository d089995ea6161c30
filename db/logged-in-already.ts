import { OperatorError } from "../runtime/operator-error.ts";

/** A login for an account whose session is AUTHORIZED: that one is not disturbed. */
export class LoggedInAlready extends OperatorError {}
