import { Command, InvalidArgumentError } from "commander";
import { setMessagesKept } from "../db/kept-messages.ts";
import { addTenant, listTenants } from "../db/tenants.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";

const FOR_EVER = "for ever";

export function tenantsCommand(): Command {
  const tenants = new Command("tenants");
  tenants.addCommand(
    withCommonOptions(new Command("list").description("list tenants, and how long their messages are kept")).action(
      list,
    ),
  );
  tenants.addCommand(
    withCommonOptions(
      new Command("add")
        .description("add a tenant, whose users and channels nobody else sees")
        .argument("<id>", "", tenantId),
    )
      .option("--name <name>", "what people call it (its id)")
      .option("--keep-days <n>", "how long messages are kept (for ever)", wholeNumber(1))
      .action(add),
  );
  tenants.addCommand(
    withCommonOptions(
      new Command("keep")
        .description("set how long a tenant's messages are kept; of what several follow, the longest counts")
        .argument("<id>", "", tenantId)
        .argument("<days>", `a number of days, or "${FOR_EVER}"`, keptDays),
    ).action(keep),
  );
  return tenants;
}

function tenantId(text: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text))
    throw new InvalidArgumentError("It has lower-case letters, digits, - and _, 63 at most.");
  return text;
}

const keptDays = (text: string): number | null => (text === FOR_EVER ? null : wholeNumber(1)(text));

async function list(options: CommonOptions): Promise<void> {
  await withContext(options, [], async ({ out, database }) => {
    const tenants = await database.once(listTenants);
    out.result(tenants, () =>
      out.table(
        ["id", "name", "messages kept, days", "added"],
        tenants.map((one) => [one.id, one.name, one.messagesKeptDays ?? FOR_EVER, one.createdAt]),
      ),
    );
  });
}

async function add(id: string, options: CommonOptions & { name?: string; keepDays?: number }): Promise<void> {
  const given = { id, name: options.name ?? id, messagesKeptDays: options.keepDays ?? null };
  await withContext(options, [], async ({ out, database }) => {
    const tenant = await database.asOwner((tx) => addTenant(tx, given));
    if (!tenant) throw new OperatorError(`there is a tenant ${id} already: see gramfleet tenants list`);
    out.result(tenant, () => `added ${id}; next: gramfleet tokens create <name> --tenant-id ${id}`);
  });
}

async function keep(id: string, days: number | null, options: CommonOptions): Promise<void> {
  await withContext(options, [], async ({ out, database }) => {
    if (!(await database.asOwner((tx) => setMessagesKept(tx, id, days))))
      throw new OperatorError(`there is no tenant ${id}: see gramfleet tenants list`);
    out.result(
      { id, messagesKeptDays: days },
      () => `${id}: messages are kept ${days === null ? FOR_EVER : `${days} days`}`,
    );
  });
}
