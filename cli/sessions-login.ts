import { Command } from "commander";
import type { LoginOptions } from "./log-in.ts";
import { withCommonOptions } from "./options.ts";

/** `login --qr` by a name of its own. */
export function qrLoginCommand(): Command {
  return withCommonOptions(new Command("qr-login").description("log a user in by a QR code, drawn in the terminal"))
    .argument("<telegram_id|new>", "whose account it is; new: whoever scans becomes a user")
    .option("--password <password>", "the two-step password (better asked for: other users see a command line)")
    .option("--app-id <id>", "which of the user's sessions (user_<telegram_id>)")
    .action(async (id: string, options: LoginOptions) =>
      (await import("./sessions-login-qr.ts")).logInByTerminal(id, options),
    );
}

export function loginCommand(): Command {
  return withCommonOptions(
    new Command("login").description(
      "log a user in by phone, code and password, or by a QR code; what is not given is asked for",
    ),
  )
    .argument(
      "<telegram_id|new>",
      "whose account it is; another's is logged out again at once. new, with --qr: whoever scans becomes a user",
    )
    .option("--qr", "draw a QR code, to be scanned by Telegram on a phone", false)
    .option("--phone <number>", "the account's phone, with its country code")
    .option("--code <code>", "the code that Telegram sends")
    .option("--password <password>", "the two-step password (better asked for: other users see a command line)")
    .option("--app-id <id>", "which of the user's sessions (user_<telegram_id>)")
    .action(async (id: string, options: LoginOptions & { readonly qr: boolean }) => {
      // GramJS comes with it, which no other command of `sessions` needs.
      if (options.qr) await (await import("./sessions-login-qr.ts")).logInByTerminal(id, options);
      else await (await import("./log-in.ts")).logIn(id, options);
    });
}
