import { InvalidArgumentError } from "commander";

/** A session, as people name it. */
export interface SessionName {
  readonly tenantId: string;
  readonly appId: string;
}

/** As an argument parser. */
export function sessionName(text: string): SessionName {
  const colon = text.indexOf(":");
  if (colon < 1 || colon === text.length - 1) throw new InvalidArgumentError("It is tenant:app.");
  return { tenantId: text.slice(0, colon), appId: text.slice(colon + 1) };
}
