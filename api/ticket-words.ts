import type { TicketView } from "../login/tickets.ts";

/** How a login by QR code stands: one sentence for whoever reads it. */
export function saidOf({ state, reason }: TicketView): string {
  switch (state) {
    case "AUTHORIZED":
      return "logged in";
    case "PENDING_QR":
      return "the code is to be scanned";
    case "PENDING_PASSWORD":
      return reason === null ? "the two-step password is asked for" : `the password was refused: ${reason}`;
    case "expired":
      return "the ticket has expired: begin a new one";
    case "cancelled":
      return "the login was cancelled";
    case "wrong_account":
      return "another account has scanned the code: it was logged out again";
    case "failed":
      return `the login failed${reason === null ? "" : `: ${reason}`}`;
  }
}
