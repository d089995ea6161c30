import type { AdmissionRefusal } from "../../db/admission.ts";
import type { LifeEvent } from "../../db/channel-life.ts";

/** Everything that the bot says, in one language. Times come in as text, in the reader's zone. */
export interface Texts {
  /** What stands beside each command in the menu. */
  readonly commands: Readonly<Record<string, string>>;
  welcome(commands: string): string;
  readonly notUnderstood: string;
  readonly failed: string;
  readonly adminsOnly: string;
  readonly needInvite: string;
  tooOften(when: string): string;

  readonly refused: Readonly<Record<AdmissionRefusal, string>>;
  loginReady(minutes: number): string;
  readonly loginButton: string;
  readonly loggedInAlready: string;
  readonly loginFailed: string;
  readonly codeWarning: string;
  loggedIn(when: string): string;
  readonly wrongAccount: string;
  readonly loginExpired: string;
  ended(reason: string, when: string): string;
  /** By Telegram's names for why a session ended. */
  readonly idleSoon: string;
  readonly idle: string;
  readonly endings: Readonly<Record<string, string>>;

  readonly plan: Readonly<Record<"premium" | "trial" | "free", string>>;
  subscription(of: {
    readonly plan: string;
    readonly until: string | null;
    readonly next: string | null;
    readonly session: string;
    readonly paused: boolean;
    readonly ownApiId: number | null;
    readonly timeZone: string;
  }): string;

  readonly authHow: string;
  authKept(apiId: number): string;
  readonly authOff: string;
  readonly authMalformed: string;
  readonly messageDeleted: string;
  readonly messageNotDeleted: string;

  readonly addHow: string;
  added(name: string): string;
  there(name: string, life: string | null): string;
  malformedChannel(name: string): string;
  readonly noChannels: string;
  channels(total: number, page: number, pages: number): string;
  /** Of a channel of which there is nothing else to say. */
  readonly fine: string;
  life(event: LifeEvent, when: (date: Date) => string): string;
  readonly removeWhich: string;
  removed(name: string): string;
  notFollowed(name: string): string;

  readonly parseAsked: string;
  readonly parseUnderWay: string;
  parseDone(when: string, added: number): string;
  parseFailed(when: string): string;
  parseWaits(when: string): string;
  readonly parseLate: string;
  parseTooSoon(when: string): string;
  readonly notParsable: string;
  readonly paused: string;

  readonly logoutSure: string;
  readonly logoutYes: string;
  readonly logoutNo: string;
  readonly stayed: string;
  readonly loggingOut: string;
  readonly loggedOut: string;
  readonly logoutLate: string;
  readonly notLoggedIn: string;

  timeZoneHow(now: string): string;
  timeZoneSet(zone: string, time: string): string;
  readonly timeZoneUnknown: string;

  resetDone(id: string): string;
  resetUnknown(id: string): string;
}
