import type { Command } from "commander";

/** A line as it is typed, and what comes of it. */
export type Example = readonly [line: string, says: string];

/** What `--help`, and docs/cli.md, show of each command at work. A test has every command in here, and parses every line. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  up: [
    ["gramfleet up", "the whole fleet on this machine, against an emulated Telegram"],
    ["gramfleet up --users 200 --for 120 --json", "larger, for two minutes; the last line is its summary"],
  ],
  scheduler: [["gramfleet scheduler", "one more; any number of them may run"]],
  worker: [["gramfleet worker", "one more; any number of them may run"]],
  api: [["gramfleet api", "on API_HOST and API_PORT"]],
  bot: [["gramfleet bot", "with BOT_TOKEN and AUTH_BASE_URL set"]],
  emulator: [["gramfleet emulator --users 10 --channels 5", "and it says how to point gramfleet at it"]],
  migrate: [["gramfleet migrate", "before the processes of a new version are started"]],
  "users list": [
    ["gramfleet users list --plan premium", "those who pay, and when they are parsed next"],
    ["gramfleet users list --json", "the same for programs"],
  ],
  "users add": [["gramfleet users add 5000001 --plan premium --days 90", "paid for from now on, for 90 days"]],
  "users plan": [["gramfleet users plan 5000001 free", "from now on"]],
  "users consents": [["gramfleet users consents 5000001", "when, by which way, and the text itself"]],
  "users pause": [["gramfleet users pause 5000001", "not parsed until resumed; what is stored stays"]],
  "users resume": [["gramfleet users resume 5000001", "due at once"]],
  "users delete": [
    ["gramfleet users delete 5000001 --yes", "logged out at Telegram first, by a worker; says what went"],
    ["gramfleet users delete 5000001 --yes --force", "where no worker runs, or Telegram cannot be reached"],
  ],
  "channels list": [
    ["gramfleet channels list", "all of them, how much of each is stored, and what happened to it"],
    ["gramfleet channels list 5000001", "what one user follows"],
    ["gramfleet channels list --gaps", "which message ids are missing, and since when"],
  ],
  "channels add": [["gramfleet channels add 5000001 @my_channel https://t.me/another", "read with the next parse"]],
  "channels remove": [["gramfleet channels remove 5000001 @my_channel", "what is stored stays"]],
  "sessions list": [["gramfleet sessions list", "who is logged in, held or ended, and why"]],
  "sessions status": [["gramfleet sessions status 5000001", "one session's history, and what it waits for"]],
  "sessions login": [["gramfleet sessions login 5000001 --phone +9996612345", "code and password are asked for"]],
  "sessions qr-login": [
    ["gramfleet sessions qr-login 5000001", "draws the code in the terminal; Telegram on a phone scans it"],
    ["gramfleet sessions qr-login new", "whoever scans becomes a user"],
  ],
  "sessions import": [
    ["gramfleet sessions import --file ada.session --dry-run", "what it is, and whether it may be imported"],
    ["gramfleet sessions import --file ada.session --api-id 123456", "asks whether its program has been stopped"],
    ["gramfleet sessions import --string - --api-id 123456 --yes", "a session string, from standard input"],
  ],
  "sessions export": [
    [
      "gramfleet sessions export 5000001 --format telethon --out ada.txt --i-know-what-this-is",
      "parked here until gramfleet sessions unpark",
    ],
  ],
  "sessions discover": [
    ["gramfleet sessions discover /srv/old-bot", "what lies there, and what may be imported"],
    [
      "gramfleet sessions discover /srv/old-bot --import --api-id 123456",
      "asks whether its programs have been stopped",
    ],
  ],
  "sessions finalize": [["gramfleet sessions finalize", "instead of within a minute, as workers do it"]],
  "sessions release": [["gramfleet sessions release 5000001", "once what it was held for is mended"]],
  "sessions unpark": [
    ["gramfleet sessions unpark 5000001", "asks whether the other installation is gone for good"],
    ["gramfleet sessions unpark --all --yes", "it was stopped and taken apart"],
  ],
  "sessions rotate-keys": [
    ["gramfleet sessions rotate-keys --dry-run", "how many rows each key of the keyring holds"],
    ["gramfleet sessions rotate-keys", "once every process runs with the new key first (docs/keys.md)"],
  ],
  "sessions revoke": [["gramfleet sessions revoke 5000001 --yes", "reading on takes a new login"]],
  "api-ids list": [["gramfleet api-ids list", "how many sessions each has, and whether Telegram refused it"]],
  "api-ids drain": [["gramfleet api-ids drain 123456", "before it is retired"]],
  "api-ids retire": [
    ["gramfleet api-ids retire 123456", "refused while sessions are pinned to it: it says which"],
    ["gramfleet api-ids retire 123456 --sessions log-out", "their people log in again, by another one"],
  ],
  "api-ids resume": [["gramfleet api-ids resume 123456", "its sessions are released, too"]],
  parse: [
    ["gramfleet parse 5000001 --wait", "one user now, and what came of it"],
    ["gramfleet parse --plan premium", "everybody who pays, ahead of their turn"],
  ],
  waits: [["gramfleet waits", "who waits for what, those that wait longest first"]],
  tail: [
    ["gramfleet tail 5000001", "the ten newest posts, then each as it is stored"],
    ["gramfleet tail 5000001 --from-start --no-follow --json", "all that there is, a line each"],
  ],
  "tenants list": [["gramfleet tenants list", "who there is, and how long their messages are kept"]],
  "tenants add": [['gramfleet tenants add acme --name "Acme Ltd" --keep-days 365', "kept apart from everybody else"]],
  "tenants keep": [['gramfleet tenants keep acme "for ever"', "or a number of days"]],
  "tokens create": [['gramfleet tokens create "reporting"', "shown this once: Authorization: Bearer …"]],
  "tokens list": [["gramfleet tokens list", "what each is for, and when it was last used"]],
  "tokens revoke": [["gramfleet tokens revoke 3", "by the id that the list shows"]],
  "invites create": [["gramfleet invites create --plan trial --days 14 --uses 50", "one code for fifty people"]],
  "invites list": [["gramfleet invites list", "how often each was used"]],
  "invites revoke": [["gramfleet invites revoke 7", "by its id, or its code"]],
  "queue status": [["gramfleet queue status", "how much waits, and which queues serve nobody now"]],
  "queue pause": [
    ["gramfleet queue pause parse-123456", "one API ID's"],
    ["gramfleet queue pause --all", "nothing begins any more, anywhere"],
  ],
  "queue resume": [["gramfleet queue resume --all", "every queue that was paused"]],
  "queue retry": [["gramfleet queue retry parse-123456", "the failed jobs of one API ID"]],
  "queue drain": [
    ["gramfleet queue drain parse-123456 --yes", "give up a backlog that nobody needs any more"],
    ["gramfleet queue drain --all --delayed --yes", "everything that is not under way"],
  ],
  "admin hash-password": [["gramfleet admin hash-password ada --role admin", "an entry for ADMIN_USERS"]],
  health: [
    ["gramfleet health", "exits with 1 where a part is down"],
    ["gramfleet health --json --strict", "for whatever watches from outside"],
  ],
  "backup create": [
    ["gramfleet backup create", "a new file in BACKUP_DIR"],
    ["gramfleet backup create --session default:user_5000001 --out ada.gfbackup", "one session"],
  ],
  "backup list": [["gramfleet backup list", "when each was made, and how large it is"]],
  "backup verify": [
    ["gramfleet backup verify --all", "each one is read to its end; exits with 1 where one is not whole"],
  ],
  "backup restore": [
    ["gramfleet backup restore sessions.gfbackup --dry-run", "what would come of it"],
    ["gramfleet backup restore sessions.gfbackup", "its sessions are parked until gramfleet sessions unpark"],
  ],
  "backup prune": [["gramfleet backup prune", "as the scheduler does after each backup"]],
  adopt: [["gramfleet adopt", "says what was found, and asks"]],
  retire: [["gramfleet retire --yes", "its sessions are then restored elsewhere without being parked"]],
  verify: [["gramfleet verify --world export/result.json", "against an export of Telegram Desktop"]],
  export: [["gramfleet export @my_channel --format jsonl --out my_channel.jsonl", "deleted posts too, marked as such"]],
  completion: [
    ["gramfleet completion bash > ~/.local/share/bash-completion/completions/gramfleet", "from the next shell on"],
  ],
};

/** Adds its examples to a command's help, and to that of each command below it. */
export function addExamples(command: Command, path = command.name()): void {
  const examples = EXAMPLES[path];
  if (examples) {
    const widest = Math.max(...examples.map(([line]) => line.length));
    const lines = examples.map(([line, says]) => `  ${line.padEnd(widest)}  ${says}`);
    command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  }
  for (const below of command.commands) addExamples(below, `${path} ${below.name()}`);
}
