import type { LifeEvent } from "../../db/channel-life.ts";
import { paragraphs } from "../paragraphs.ts";
import type { Texts } from "./texts.ts";

const LOST: Readonly<Record<string, string>> = {
  private: "no access: private, deleted, or you were removed from it,",
  banned: "no access: you are banned from it",
  invalid: "no access: Telegram knows no such channel any more",
  not_found: "no access: Telegram does not find it",
  not_a_channel: "no access: Telegram calls it no channel any more",
};
const UNRESOLVED: Readonly<Record<string, string>> = {
  not_found: "no channel of this name",
  not_a_channel: "a person's or bot's name, no channel's,",
  basic_group: "a basic group, which is not read until it becomes a supergroup,",
  private: "there, but closed to your account",
  banned: "there, but your account is banned from it",
  invalid: "refused by Telegram",
};

function life(event: LifeEvent, when: (date: Date) => string): string {
  const since = `since ${when(event.since)}`;
  const again = (at: Date | null) => (at ? `, looked at again after ${when(at)}` : ", looked at with the next reading");
  switch (event.kind) {
    case "renamed":
      return `renamed ${since}, was "${event.from}"`;
    case "username_changed":
      return `is @${event.to} ${since}${event.from === null ? "" : `, was @${event.from}`}`;
    case "made_private":
      return `private ${since}, was @${event.from}`;
    case "migrated":
      return `a supergroup ${since}, was a basic group`;
    case "partly_lost":
      return `some here cannot read it ${since}, others do`;
    case "out_of_reach":
      return `nobody here reaches it ${since}: deleted, or private and closed`;
    case "deleted":
      return `deleted: Telegram knows it no more ${since}`;
    case "access_lost":
      return `${LOST[event.reason] ?? LOST.invalid} ${since}${event.othersRead ? ", others here still read it" : ""}${again(event.lookAgainAt)}`;
    case "name_lost":
      return event.holder
        ? `@${event.name} is another channel's now ("${event.holder.title}") ${since}: what was followed is followed on`
        : `not @${event.name} any more ${since}: it is followed all the same`;
    case "not_resolved":
      return event.reason === "pending"
        ? "not looked up yet: with the next reading"
        : `${UNRESOLVED[event.reason] ?? UNRESOLVED.invalid} ${since}${again(event.lookAgainAt)}`;
  }
}

export const en: Texts = {
  commands: {
    start: "what this bot does",
    login: "log in with an invite code",
    subscription: "your plan and the next reading",
    add_channel: "read a channel",
    channels: "the channels that are read for you",
    remove_channel: "read a channel no longer",
    parse: "read your channels now",
    auth: "use an API ID of your own",
    timezone: "the time zone of what you are shown",
    logout: "log out, and delete the session",
  },
  welcome: (commands) =>
    paragraphs(
      "I read the Telegram channels that you name, on your own account, on time. I join nothing and mark nothing as read.",
      "To begin, you need an invite code:\n/login CODE",
      commands,
    ),
  notUnderstood: "I know commands only. /start lists them.",
  failed: "Something went wrong on our side. Please try again in a minute.",
  adminsOnly: "This command is for admins.",
  needInvite: "You are not known here yet. Log in with an invite code first:\n/login CODE",
  tooOften: (when) => `Too many tries. Please wait until ${when}.`,

  refused: {
    unknown_user: "You are not known here yet. You need an invite code:\n/login CODE",
    unknown: "I do not know this invite code. It counts exactly as it is written, with capitals and small letters.",
    revoked: "This invite was taken back.",
    expired: "This invite has expired.",
    used_up: "This invite has been used.",
  },
  loginReady: (minutes) =>
    paragraphs(
      `Open the page with the button and scan the code with your phone: Settings → Devices → Link Desktop Device. The link is yours alone and is good for ${minutes} min.`,
      "I never ask for Telegram's login code. Telegram makes a code void as soon as it is typed into any chat, and whoever asks you for one here is after your account.",
    ),
  loginButton: "Log in",
  loggedInAlready: "You are logged in already. /logout ends that.",
  loginFailed: "The login could not begin. Please try again in a minute.",
  codeWarning:
    "If that was a login code from Telegram: it is void now, as Telegram makes every code that is typed into a chat. Do not send codes to anybody, not to me either. The login goes through the page of /login alone.",
  loggedIn: (when) =>
    paragraphs(
      `You are logged in since ${when}. Your channels are read from now on.`,
      "Add one with /add_channel @name",
    ),
  wrongAccount:
    "Another Telegram account than yours has scanned the code. It was logged out at once, and nothing of it was kept. Scan with the account that you write to me with: /login",
  loginExpired: "The login was not finished in time. Get a new link with /login",
  ended: (reason, when) => `Your session ended (${reason}, ${when}). Log in again: /login`,
  idleSoon:
    "Your session has not been used for weeks. In three days it is logged out, and its key deleted here. Any message to me keeps it, as reading your channels does: /subscription, /add_channel",
  idle: "Your session was not used for long: it is logged out at Telegram, and its key deleted here. Log in again: /login",
  endings: {
    AUTH_KEY_UNREGISTERED: "it was ended in Telegram's settings",
    AUTH_KEY_INVALID: "Telegram knows its key no more",
    AUTH_KEY_DUPLICATED: "it was used in two places at once",
    SESSION_REVOKED: "it was ended in Telegram's settings",
    SESSION_EXPIRED: "it has expired",
    USER_DEACTIVATED: "the account was deleted",
    USER_DEACTIVATED_BAN: "Telegram has banned the account",
  },

  plan: { premium: "premium", trial: "trial", free: "free" },
  subscription: ({ plan, until, next, session, paused, ownApiId, timeZone }) =>
    paragraphs(
      `Plan: ${plan}${until ? `, until ${until}` : ""}`,
      paused
        ? "Reading is paused."
        : session === "AUTHORIZED"
          ? `Next reading: ${next ?? "soon"}`
          : "Not logged in: /login",
      ownApiId === null ? null : `Logins use your own API ID ${ownApiId}`,
      `Times are in ${timeZone}: /timezone`,
    ),

  authHow: paragraphs(
    "Get an API ID of your own at my.telegram.org (API development tools), and send both in one message:\n/auth 1234567 0123456789abcdef0123456789abcdef",
    "I delete the message at once and keep the hash encrypted. /auth off goes back to ours.",
  ),
  authKept: (apiId) =>
    `Kept: your next login uses the API ID ${apiId}. A session that is logged in keeps the one it has.`,
  authOff: "Your next login uses our API ID again.",
  authMalformed: "An API ID is a number, and its hash 32 of the signs 0–9 and a–f. /auth says how.",
  messageDeleted: "I have deleted your message, since it had the hash in it.",
  messageNotDeleted: "I could not delete your message with the hash in it: please delete it yourself.",

  addHow: "Which channel?\n/add_channel @name\nA link such as t.me/name or an id will do as well.",
  added: (name) => `${name}: is read from the next reading on`,
  there: (name, life) => `${name}: is read already${life ? ` (${life})` : ""}`,
  malformedChannel: (name) =>
    `${name}: no channel's name. Give @name, a t.me link or an id; I join nothing, so no invite links.`,
  noChannels: "No channel is read for you yet: /add_channel @name",
  channels: (total, page, pages) => `Channels: ${total}${pages > 1 ? `, page ${page} of ${pages}` : ""}`,
  fine: "is read",
  life,
  removeWhich: "Which one is to be read no longer?",
  removed: (name) => `${name}: is read no longer`,
  notFollowed: (name) => `${name}: is not read for you`,

  parseAsked: "Asked for. I will tell you here when your channels have been read.",
  parseUnderWay: "Your channels are being read now. I will tell you here when that is done.",
  parseDone: (when, added) => `Read at ${when}: ${added === 0 ? "nothing new" : `${added} new`}.`,
  parseFailed: (when) => `The reading of ${when} failed. It is tried again by itself.`,
  parseWaits: (when) => `Telegram has asked your account to wait until ${when}. Your channels are read after that.`,
  parseLate: "Not read yet: there is a queue. It happens by itself; /subscription shows when.",
  parseTooSoon: (when) => `Your channels were read a moment ago. Ask again after ${when}.`,
  notParsable: "Nothing can be read for you now: log in first (/login).",
  paused: "Reading is paused for you.",

  logoutSure:
    "Log out? The session is ended at Telegram and deleted here. Nothing is read for you any more until you log in again.",
  logoutYes: "Log out",
  logoutNo: "Stay",
  stayed: "You stay logged in.",
  loggingOut: "Logging out…",
  loggedOut: "You are logged out, and the session is deleted.",
  logoutLate: "The log-out is under way and takes longer than usual. It is finished by itself.",
  notLoggedIn: "You are not logged in.",

  timeZoneHow: (now) => `Your time zone is ${now}. Another one, by its name:\n/timezone Europe/Berlin`,
  timeZoneSet: (zone, time) => `Times are shown in ${zone} from now on. There it is ${time}.`,
  timeZoneUnknown: "I do not know this time zone. Names are such as Europe/Moscow, Asia/Yekaterinburg or UTC.",

  resetDone: (id) => `${id}: login ended, channels looked at again, due now`,
  resetUnknown: (id) => `${id}: no such user`,
};
