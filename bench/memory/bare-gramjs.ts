import pLimit from "p-limit";
import { Api, type TelegramClient } from "telegram";
import { openBareGramJs } from "../bare-gramjs.ts";
import { serve } from "../serve.ts";
import { heapPerClient } from "./figure.ts";

/** The other side of `memory`: as many clients of GramJS's, connected, with one getMe made. */
const AT_ONCE = 16;

const { given, client } = openBareGramJs();
serve({ run: () => heapPerClient(given.accounts, whileOpen) }, async () => {});

type Account = (typeof given.accounts)[number];

async function whileOpen(accounts: readonly Account[], measure: () => Promise<void>): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const clients: TelegramClient[] = [];
  const open = async (account: Account) => {
    const raw = await client(account);
    clients.push(raw);
    await raw.connect();
    const [me] = await raw.invoke(new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }));
    if (!(me instanceof Api.User)) throw new Error("nobody");
  };
  await Promise.all(accounts.map((account) => limit(() => open(account))));
  await measure();
  await Promise.all(clients.map((raw) => raw.destroy()));
}
