import { Command } from "commander";
import { createApiToken, listApiTokens, revokeApiToken } from "../db/api-tokens.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { rowId, withCommonOptions } from "./options.ts";
import { forTenant, type TenantOption, withTenant } from "./tenant.ts";

type Options = CommonOptions & TenantOption;

export function tokensCommand(): Command {
  const tokens = new Command("tokens");
  const below = (command: Command) => tokens.addCommand(withTenant(withCommonOptions(command)));
  below(
    new Command("create")
      .description("make a token; it is shown this once, and kept as its hash only")
      .argument("<name>", "what it is for")
      .action(create),
  );
  below(new Command("list").description("list tokens, revoked ones too").action(list));
  below(
    new Command("revoke")
      .description("refuse a token from now on")
      .argument("<id>", "as the list shows it", rowId)
      .action(revoke),
  );
  return tokens;
}

async function create(name: string, options: Options): Promise<void> {
  if (!/^\S.{0,99}$/u.test(name)) throw new OperatorError("a name has 1 to 100 characters", { exitCode: 2 });
  await withContext(options, [], async ({ out, database }) => {
    const { tenantId } = options;
    const { id, token } = await forTenant(database, options, (tx) => createApiToken(tx, { tenantId, name }));
    out.result({ id, name, tenantId, token }, () => [
      token,
      out.paint("dim", `token ${id} of ${tenantId}: Authorization: Bearer …; it is not shown again`),
    ]);
  });
}

async function list(options: Options): Promise<void> {
  await withContext(options, [], async ({ out, database }) => {
    const tokens = await forTenant(database, options, listApiTokens);
    out.result(tokens, () =>
      tokens.length === 0
        ? "no tokens yet: gramfleet tokens create <name>"
        : out.table(
            ["id", "name", "made", "last used", "revoked"],
            tokens.map((one) => [one.id, one.name, one.createdAt, one.lastUsedAt, one.revokedAt]),
          ),
    );
  });
}

async function revoke(id: bigint, options: Options): Promise<void> {
  await withContext(options, [], async ({ out, database }) => {
    if (!(await forTenant(database, options, (tx) => revokeApiToken(tx, id))))
      throw new OperatorError(`there is no token ${id} that counts: see gramfleet tokens list`);
    out.result({ id, revoked: true }, () => `token ${id}: revoked`);
  });
}
