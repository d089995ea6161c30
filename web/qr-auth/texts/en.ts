/** Everything the page says. Each other language has the same keys, as the type of its texts demands. */
export const en = {
  title: "Connect Telegram",
  loading: "One moment…",
  offline: "No connection. Trying again…",
  busy: "Many people are here right now. Trying again…",
  close: "Close",
  back: "Back",

  ways: "Ways to log in",
  byCode: "QR code",
  byPhone: "Phone",

  qr: {
    lead: "Scan the code with Telegram on your phone and confirm there.",
    image: "QR code to scan with Telegram",
    steps: [
      "Open Telegram on your phone",
      "Go to Settings → Devices → Link Desktop Device",
      "Point the camera at this code and confirm",
    ],
    open: "Open in Telegram",
    copy: "Copy the link",
    copied: "Link copied",
    copyFailed: "The link could not be copied",
    renewsIn: (seconds: number) => `New code in ${seconds} s`,
    renewing: "Getting a new code…",
  },

  phone: {
    lead: "Telegram sends a login code to this number's Telegram app, or by SMS.",
    label: "Phone number",
    placeholder: "+44 7911 123456",
    submit: "Send the code",
    empty: "Enter a number with its country code, such as +44 7911 123456.",
  },

  code: {
    title: "Enter the code",
    sentTo: (phone: string) => `For ${phone}.`,
    types: {
      app: "Telegram has sent it to your Telegram app.",
      sms: "Telegram has sent it by SMS.",
      call: "Telegram calls you and says it.",
      flash_call: "Telegram calls you: it is in the calling number.",
      missed_call: "Telegram calls and hangs up: it is the last digits of the calling number.",
      email: "Telegram has sent it by e-mail.",
      fragment: "Telegram has sent it to Fragment.",
      other: "Telegram has sent it to you.",
    },
    label: "Login code",
    submit: "Log in",
    empty: "Enter the code that Telegram has sent.",
    warning: "Enter it here only. A login code that is sent in any Telegram chat stops working.",
    resend: "Send it again",
    resendIn: (seconds: number) => `Send it again in ${seconds} s`,
    resent: "The code has been sent again",
    otherNumber: "Other number",
  },

  password: {
    title: "Two-step verification",
    lead: "Your account has a password. It is checked on this device and never leaves it.",
    label: "Telegram password",
    hint: (hint: string) => `Hint: ${hint}`,
    show: "Show password",
    hide: "Hide password",
    submit: "Continue",
    working: "Checking…",
    empty: "Enter the password of your Telegram account.",
  },

  ends: {
    authorized: {
      title: "Telegram is connected",
      text: "Your channels are read from now on. You can go back to the chat.",
      textInBrowser: "Your channels are read from now on. You can close this page.",
    },
    expired: {
      title: "This code has expired",
      text: "Nobody scanned it in time. Nothing has happened to your account.",
      action: "Show a new code",
    },
    cancelled: {
      title: "This login was cancelled",
      text: "It was stopped, or a newer one was begun. Nothing has happened to your account.",
      action: "Start again",
    },
    wrong_account: {
      title: "That was another account",
      text: "Another Telegram account than yours confirmed the login. It was logged out again at once, and nothing was stored.",
      action: "Try again with your account",
    },
    failed: {
      title: "Telegram did not let us in",
      text: "Wait a little, then try again.",
      reason: (reason: string) => `Telegram's answer: ${reason}`,
      action: "Try again",
    },
    not_found: {
      title: "This link no longer works",
      text: "It is too old, or incomplete. Send /login to the bot and open the new link.",
      action: "Show a new code",
    },
    wrong_user: {
      title: "This link is for somebody else",
      text: "It was made for another Telegram account. Send /login to the bot to get your own.",
    },
    unavailable: {
      title: "Logging in is switched off",
      text: "Whoever runs this service has not set it up yet. Please come back later.",
    },
    noRenewal: "A new code could not be made here. Send /login to the bot and open the new link.",
  },

  errors: {
    phone_number_invalid: "This is no phone number that Telegram knows. Check the country code.",
    phone_number_unoccupied: "There is no Telegram account with this number.",
    phone_number_banned: "Telegram has banned this number.",
    phone_code_invalid: "This is not the code. Check it and try again.",
    phone_code_expired: "This code has expired. Have it sent again.",
    phone_code_empty: "Enter the code that Telegram has sent.",
    password_invalid: "This is not the password. Try again.",
    password_unsafe: "The password cannot be checked safely right now. Nothing was sent.",
    codes_used_up: "No more codes can be sent today. Use the QR code, or come back tomorrow.",
    wrong_account: "This number belongs to another account than the one you came with.",
    password_changed: "The password has just been changed. Enter the new one.",
    no_other_way: "Telegram has no other way to send the code.",
    account_frozen: "Telegram has frozen this account.",
    logged_in_already: "This account is connected already.",
    login_under_way: "Another login of this account is under way. Try again in a moment.",
    telegram_unavailable: "Telegram could not be reached. Please try again.",
    consent_missing: "This page is out of date. Load it again, and read what stands below the code.",
    invite_refused: "This invite does not work.",
    unknown_user: "An invite is needed: ask whoever told you about this service.",
    unreachable: "No connection. Please try again.",
    too_many: (wait: string) => `Telegram asks to wait ${wait} before the next try.`,
    other: "That did not work. Please try again.",
  },
  duration: (seconds: number) =>
    seconds < 120
      ? `${seconds} s`
      : seconds < 7_200
        ? `${Math.ceil(seconds / 60)} min`
        : `${Math.ceil(seconds / 3_600)} h`,
};

export type Texts = typeof en;
