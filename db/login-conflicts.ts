import { OperatorError } from "../runtime/operator-error.ts";

/** A login for an account whose session is AUTHORIZED: that one is not disturbed. */
export class LoggedInAlready extends OperatorError {}

/** Another login, or another process, works with the session that a login is for. */
export class LoginBusy extends OperatorError {}
