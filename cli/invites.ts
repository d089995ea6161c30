import { Command, InvalidArgumentError, Option } from "commander";
import { createInvite, type InvitePlan, listInvites, newInviteCode, revokeInvite } from "../db/invites.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { ofOneTenant, ofTenants, rowsOf, type TenantsOption } from "./tenant.ts";

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 36_500;
/** Signs of base32 that make 60 bits: fewer can be guessed in time. */
const FEWEST_SIGNS = 12;

type Options = CommonOptions & TenantsOption;

interface CreateOptions extends Options {
  readonly plan: InvitePlan;
  readonly days: number;
  readonly uses: number;
  readonly expiresInDays?: number;
  readonly code?: string;
  readonly note?: string;
}

export function invitesCommand(): Command {
  const invites = new Command("invites");
  const below = (command: Command) => invites.addCommand(withCommonOptions(command));
  below(
    new Command("create")
      .description("make an invite; its code is shown this once, and kept as its hash only")
      .addOption(new Option("--plan <plan>", "what it gives").choices(["premium", "trial", "free"]).default("premium"))
      .option("--days <n>", "how long that lasts, from the completed login on", days, 30)
      .option("--uses <n>", "how many people may use it", uses, 1)
      .option("--expires-in-days <n>", "how long it may be used", days)
      .option("--code <code>", "a code that is given out already, kept exactly as it is", existingCode)
      .option("--note <text>", "what it is for")
      .action(create),
  );
  below(new Command("list").description("list invites, without their codes").action(list));
  below(
    new Command("revoke")
      .description("refuse an invite from now on; plans that have begun go on")
      .argument("<invite>", "its id, as the list shows it, or its code")
      .action(revoke),
  );
  return ofOneTenant(invites, { butAlsoOfAll: ["list"] });
}

function days(text: string): number {
  const count = wholeNumber(1)(text);
  if (count > LONGEST_DAYS) throw new InvalidArgumentError(`It is at most ${LONGEST_DAYS}.`);
  return count;
}

function uses(text: string): number {
  const count = wholeNumber(1)(text);
  if (count > 1_000_000) throw new InvalidArgumentError("It is at most 1000000.");
  return count;
}

function existingCode(text: string): string {
  if (!/^\S{6,256}$/u.test(text)) throw new InvalidArgumentError("It has 6 to 256 characters, none of them a space.");
  return text;
}

async function create(options: CreateOptions): Promise<void> {
  const { plan, days, uses: maxUses, expiresInDays, note = null } = options;
  const code = options.code ?? newInviteCode();
  const expiresAt = expiresInDays === undefined ? null : new Date(Date.now() + expiresInDays * DAY_MS);
  await withContext(options, [], async ({ out, tenantId, inTenant }) => {
    const invite = await inTenant((tx) => createInvite(tx, { tenantId, code, plan, days, maxUses, expiresAt, note }));
    if (!invite) throw new OperatorError("there is an invite with this code already: see gramfleet invites list");
    if (code.length < FEWEST_SIGNS) out.note(`a code of fewer than ${FEWEST_SIGNS} signs can be guessed`);
    out.result({ ...invite, code }, () => [
      code,
      out.paint("dim", `invite ${invite.id}: ${plan} for ${days} days, ${maxUses} uses; it is not shown again`),
    ]);
  });
}

async function list(options: Options): Promise<void> {
  await withContext(options, [], async (context) => {
    const { out } = context;
    const invites = await rowsOf(context, options, listInvites);
    out.result(invites, () =>
      invites.length === 0
        ? "no invites yet: gramfleet invites create"
        : out.table(
            ofTenants(options, "tenant", ["id", "plan", "days", "used", "of", "expires", "revoked", "note"]),
            invites.map((one) =>
              ofTenants(options, one.tenantId, [
                ...[one.id, one.plan, one.days, one.uses, one.maxUses],
                ...[one.expiresAt, one.revokedAt, one.note],
              ]),
            ),
          ),
    );
  });
}

async function revoke(invite: string, options: Options): Promise<void> {
  // A code may be all digits too, so both are looked for: an id is short.
  const id = /^[1-9]\d{0,17}$/.test(invite) ? BigInt(invite) : null;
  await withContext(options, [], async ({ out, inTenant }) => {
    const revoked = await inTenant(
      async (tx) => (await revokeInvite(tx, { code: invite })) || (id !== null && (await revokeInvite(tx, { id }))),
    );
    if (!revoked) throw new OperatorError("there is no such invite that counts: see gramfleet invites list");
    out.result({ revoked: true }, () => "the invite is revoked");
  });
}
