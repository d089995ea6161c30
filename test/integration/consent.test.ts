import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { consentsOf } from "../../db/consents.ts";
import { transition } from "../../db/sessions.ts";
import { listUsers } from "../../db/user-summary.ts";
import { addUser, deleteUser } from "../../db/users.ts";
import { type Tickets, WHOEVER_HAS_IT } from "../../login/tickets.ts";
import { createTerms } from "../../terms/terms.ts";
import { startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** What people agree to who log in: shown first, recorded with the login, and no login without. */
const terms = createTerms({ version: "1", url: null });
let home: LoginFleet;
let tickets: Tickets;
/** Of another process. */
let elsewhere: Tickets;
let api: TestApi;
beforeAll(async () => {
  home = await startLoginFleet();
  tickets = await home.openTickets({ consent: { version: "1", required: true } });
  elsewhere = await home.openTickets();
  api = await startApiApp({ tickets: elsewhere, databaseUrl: home.databaseUrl });
});
afterAll(async () => {
  await api?.close();
  await home?.close();
});

async function person() {
  const { telegramId, phone, code } = home.person({ dcId: 1 });
  const { user } = await home.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId }));
  return { user, telegramId, phone, code, asker: `user:${user.id}` };
}
type Person = Awaited<ReturnType<typeof person>>;

const agreed = (via: "bot" | "page" | "api" | "cli", language = "en") => {
  const { version, language: spoken, text } = terms.in(language);
  return { version, language: spoken, text, via };
};
const recorded = ({ user }: Person) => home.database.inTenant(TENANT, (tx) => consentsOf(tx, user.id));

/** Begins a login by QR code, does what is to be done meanwhile, scans, and gives how it ended. */
async function logIn(
  who: Person,
  given: { with?: Tickets; shown?: ReturnType<typeof agreed>; meanwhile?: (ticket: string) => Promise<void> } = {},
) {
  const { with: by = tickets, shown, meanwhile } = given;
  const { telegramId, asker } = who;
  const begun = await by.start({ asker, tenantId: TENANT, telegramId, ...(shown ? { shown } : {}) });
  await meanwhile?.(begun.ticket);
  home.telegram.scan(begun.view.link ?? "", telegramId);
  return eventually(async () => {
    const view = await by.status(begun.ticket, asker);
    return view?.state === "AUTHORIZED" || view?.state === "failed" ? view : null;
  });
}

it("nobody is logged in who was shown nothing, and the key is no longer one", async () => {
  const ada = await person();
  expect(await logIn(ada)).toMatchObject({ state: "failed", reason: "CONSENT_MISSING" });
  expect(home.telegram.keys.ofAccount(ada.telegramId)).toEqual([]);
  expect((await home.sessions()).filter(({ telegramId }) => telegramId === ada.telegramId)).toMatchObject([
    { state: "ABSENT" },
  ]);
  expect(await recorded(ada)).toEqual([]);
});

it("without that rule they are, and nothing is recorded", async () => {
  const ada = await person();
  expect(await logIn(ada, { with: elsewhere })).toMatchObject({ state: "AUTHORIZED" });
  expect(await recorded(ada)).toEqual([]);
});

it("what the bot has shown is recorded with the login: when, which text, and by which way", async () => {
  const ada = await person();
  expect(await logIn(ada, { shown: agreed("bot", "ru") })).toMatchObject({ state: "AUTHORIZED" });
  const { text, sha256 } = terms.in("ru");
  expect(sha256).toBe(createHash("sha256").update(text).digest("hex"));
  expect(await recorded(ada)).toEqual([
    { at: expect.any(Date), via: "bot", version: "1", language: "ru", sha256, text },
  ]);
  const users = await home.database.inTenant(TENANT, (tx) => listUsers(tx));
  expect(users.find(({ id }) => id === ada.user.id)?.consent).toMatchObject({ via: "bot", version: "1", sha256 });
});

it("what the page shows is recorded, whichever process holds the login; and only a text that is in force", async () => {
  const ada = await person();
  const ask = (ticket: string, sha256: string) =>
    api.inject({ url: `/qr-auth-status?session_id=${ticket}&terms=${sha256}` });
  const page = (await api.inject({ url: "/qr-auth" })).body;
  const english = /<meta name="terms" lang="en" id="([0-9a-f]{64})" content="([^"]+)">/.exec(page);
  expect(english?.[2]).toBe(terms.in("en").text);
  const ended = await logIn(ada, {
    async meanwhile(ticket) {
      expect((await ask(ticket, "0".repeat(64))).json()).toMatchObject({ status: "PENDING_QR" });
      expect((await tickets.purpose(ticket))?.shown).toBeNull();
      expect((await ask(ticket, english?.[1] ?? "")).json()).toMatchObject({ status: "PENDING_QR" });
    },
  });
  expect(ended).toMatchObject({ state: "AUTHORIZED" });
  expect(await recorded(ada)).toMatchObject([{ via: "page", language: "en" }]);
});

it("a tenant's program says which text it has shown, and is told where that is not in force", async () => {
  const headers = await api.bearer();
  const start = (sha256: string) =>
    api.inject({ method: "POST", url: "/api/qr/start", headers, payload: { terms: sha256 } });
  const text = (await api.inject({ url: "/api/terms?language=ru-RU" })).json();
  expect(text).toEqual({ ...terms.in("ru"), url: null });
  expect((await start("0".repeat(64))).json()).toMatchObject({ error: { code: "terms_changed" } });
  const { ticket } = (await start(text.sha256)).json();
  expect((await tickets.purpose(ticket))?.shown).toEqual(agreed("api", "ru"));
  await tickets.cancel(ticket, WHOEVER_HAS_IT);
});

it("by phone it is the same", async () => {
  const ada = await person();
  const { telegramId, phone, code, asker } = ada;
  const codeLogin = async (shown?: ReturnType<typeof agreed>) => {
    const begun = await tickets.codes.start({
      asker,
      tenantId: TENANT,
      telegramId,
      phone,
      ...(shown ? { shown } : {}),
    });
    return (await tickets.codes.signIn(begun?.ticket ?? "", asker, code))?.view;
  };
  expect(await codeLogin()).toMatchObject({ state: "failed", reason: "CONSENT_MISSING" });
  expect(await codeLogin(agreed("cli"))).toMatchObject({ state: "AUTHORIZED" });
  expect(await recorded(ada)).toMatchObject([{ via: "cli" }]);
});

it("a version is agreed to once; a new one anew, and the history is kept until its user is deleted", async () => {
  const ada = await person();
  const newer = await home.openTickets({ consent: { version: "2", required: true } });
  expect(await logIn(ada, { shown: agreed("page") })).toMatchObject({ state: "AUTHORIZED" });
  const end = async () => {
    const session = (await home.sessions()).find(({ telegramId }) => telegramId === ada.telegramId);
    const change = { from: ["AUTHORIZED"], to: "STALE", reason: "expired" } as const;
    await home.database.asWorker((tx) => transition(tx, session?.id ?? 0n, change));
  };
  await end();
  expect(await logIn(ada)).toMatchObject({ state: "AUTHORIZED" });
  await end();
  expect(await logIn(ada, { with: newer })).toMatchObject({ state: "failed", reason: "CONSENT_MISSING" });
  const second = { ...agreed("bot"), version: "2", text: "other words" };
  expect(await logIn(ada, { with: newer, shown: second })).toMatchObject({ state: "AUTHORIZED" });
  expect((await recorded(ada)).map(({ version, via }) => `${version} ${via}`)).toEqual(["2 bot", "1 page"]);
  await home.database.inTenant(TENANT, (tx) => deleteUser(tx, ada.telegramId));
  expect(await recorded(ada)).toEqual([]);
});
