import { Command } from "commander";
import { createApiToken, listApiTokens, revokeApiToken } from "../db/api-tokens.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { rowId, withCommonOptions } from "./options.ts";
import { ofOneTenant, ofTenants, rowsOf, type TenantsOption } from "./tenant.ts";

type Options = CommonOptions & TenantsOption;

export function tokensCommand(): Command {
  const tokens = new Command("tokens");
  const below = (command: Command) => tokens.addCommand(withCommonOptions(command));
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
  return ofOneTenant(tokens, { butAlsoOfAll: ["list"] });
}

async function create(name: string, options: Options): Promise<void> {
  if (!/^\S.{0,99}$/u.test(name)) throw new OperatorError("a name has 1 to 100 characters", { exitCode: 2 });
  await withContext(options, [], async ({ out, tenantId, inTenant }) => {
    const { id, token } = await inTenant((tx) => createApiToken(tx, { tenantId, name }));
    out.result({ id, name, tenantId, token }, () => [
      token,
      out.paint("dim", `token ${id} of ${tenantId}: Authorization: Bearer …; it is not shown again`),
    ]);
  });
}

async function list(options: Options): Promise<void> {
  await withContext(options, [], async (context) => {
    const { out } = context;
    const tokens = await rowsOf(context, options, listApiTokens);
    out.result(tokens, () =>
      tokens.length === 0
        ? "no tokens yet: gramfleet tokens create <name>"
        : out.table(
            ofTenants(options, "tenant", ["id", "name", "made", "last used", "revoked"]),
            tokens.map((one) =>
              ofTenants(options, one.tenantId, [one.id, one.name, one.createdAt, one.lastUsedAt, one.revokedAt]),
            ),
          ),
    );
  });
}

async function revoke(id: bigint, options: Options): Promise<void> {
  await withContext(options, [], async ({ out, inTenant }) => {
    if (!(await inTenant((tx) => revokeApiToken(tx, id))))
      throw new OperatorError(`there is no token ${id} that counts: see gramfleet tokens list`);
    out.result({ id, revoked: true }, () => `token ${id}: revoked`);
  });
}
