import { OperatorError } from "../../runtime/operator-error.ts";

/** Another login, or another process, works with the session that this login is for. */
export class LoginBusy extends OperatorError {}

/** The API ID has sent as many codes today as it may. */
export class CodesUsedUp extends OperatorError {}
