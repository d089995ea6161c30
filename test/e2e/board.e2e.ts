import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { ADMIN, type BoardJob, type BoardQueues, boardUsersText, startBoardQueues, VIEWER } from "../support/board.ts";
import { eventually } from "../support/eventually.ts";
import { prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { testDatabase } from "../support/services.ts";
import { startBrowser } from "./support/browser.ts";
import { lookAt } from "./support/shots.ts";

/** The queues' board in a browser: the api as a process, and a worker whose jobs fail until they are told not to. */
prepareCommands();
const SCREENSHOTS = fileURLToPath(new URL("./screenshots/", import.meta.url));
const QUEUE = "parse-1001";

let browser: Browser;
let queues: BoardQueues;
let address: string;
let dropDatabase: () => Promise<void>;

beforeAll(async () => {
  const place = await testDatabase();
  dropDatabase = place.drop;
  queues = startBoardQueues();
  const env = {
    ...{ DATABASE_URL: place.url, REDIS_URL: queues.url, REDIS_PREFIX: queues.prefix, API_PORT: "0" },
    ADMIN_USERS: await boardUsersText(),
  };
  const api = startGramfleet(["api"], { env });
  [browser] = await Promise.all([startBrowser(), api.ready()]);
  address = /"address":"([^"]+)"/.exec(api.stderr())?.[1] ?? "";
});
afterAll(async () => {
  await browser?.close();
  await queues?.close();
  await dropDatabase?.();
});

/** A browser of somebody's own, what it has asked of others, and what it has complained about. */
async function open(): Promise<{ page: Page; context: BrowserContext; elsewhere: string[]; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, locale: "en-GB" });
  const page = await context.newPage();
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${address}/`) && !url.startsWith("data:")) elsewhere.push(url);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  await page.goto(`${address}/queues`);
  return { page, context, elsewhere, complaints };
}

async function signIn(page: Page, { name, password }: { name: string; password: string }): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const look = (page: Page, state: string) =>
  lookAt({ page, inTelegram: false } as Parameters<typeof lookAt>[0], `board-${state}`);

/** Bull Board's own page is as it is: a picture, where there is none yet. */
async function keep(page: Page, state: string): Promise<void> {
  const file = join(SCREENSHOTS, `board-${state}.png`);
  if (existsSync(file) && !inject("newScreenshots")) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  writeFileSync(file, await page.screenshot({ animations: "disabled", caret: "hide" }));
}

async function failedJob(userId: number): Promise<BoardJob> {
  const job = await queues.parse(QUEUE, userId);
  await eventually(async () => (await queues.stateOf(job)) === "failed", { what: "the job's end" });
  return job;
}

/** They are pictures, and have no name but a tooltip's. */
const JOB_BUTTONS = 'ul[class^="jobActions"] button';

const buttonsForJobs = async (page: Page) => ({
  ofOne: await page.locator(JOB_BUTTONS).count(),
  ofAll: await page.getByRole("button", { name: /^(Retry|Clean|Promote) all$/ }).count(),
});

/** Bull Board asks again before it does anything. */
const confirm = (page: Page) => page.getByRole("button", { name: "Confirm", exact: true }).click();

it("asks who it is, and shows a wrong password for what it is", async () => {
  const { page, context, elsewhere, complaints } = await open();
  expect(page.url()).toBe(`${address}/queues/sign-in`);
  await look(page, "sign-in");
  await signIn(page, { ...VIEWER, password: "not hers" });
  await page.getByRole("alert").getByText("do not belong together").waitFor();
  expect(await page.getByLabel("Password").inputValue()).toBe("");
  await look(page, "sign-in-refused");
  expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
  await context.close();
});

it("shows a viewer why a job failed, without a button to do anything about it, and refuses what the page sends anyway", async () => {
  const job = await failedJob(1);
  const { page, context, elsewhere, complaints } = await open();
  await signIn(page, VIEWER);
  await page.getByRole("link", { name: QUEUE }).first().waitFor();
  await page.goto(`${address}/queues/queue/${QUEUE}?status=failed`);
  await page.getByText("Telegram did not answer").first().waitFor();
  expect(await buttonsForJobs(page)).toEqual({ ofOne: 0, ofAll: 0 });
  await keep(page, "viewer-failed-job");

  // Its own page asks, with its own cookie.
  const refused = await page.evaluate<[number, unknown]>(
    `fetch("/queues/api/queues/${QUEUE}/${job.id}/retry", { method: "PUT" }).then(async (a) => [a.status, await a.json()])`,
  );
  expect(refused).toEqual([403, { error: "You may look, and change nothing: that is for admins", code: "read_only" }]);
  expect(await queues.stateOf(job)).toBe("failed");
  expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
  await context.close();
});

it("has an admin retry a failed job, which runs", async () => {
  const job = await failedJob(2);
  const { page, context, elsewhere, complaints } = await open();
  await signIn(page, ADMIN);
  await page.getByRole("link", { name: QUEUE }).first().waitFor();
  await keep(page, "admin-queues");
  await page.goto(`${address}/queues/queue/${QUEUE}?status=failed`);
  await page.getByRole("button", { name: "Retry all" }).waitFor();
  expect(await buttonsForJobs(page)).toMatchObject({ ofAll: 2 });
  // Failed logouts may be among them.
  await page.getByRole("button", { name: "Clean all" }).click();
  await confirm(page);
  await page.getByText("Only completed jobs are removed all at once").waitFor();
  await keep(page, "admin-refused");
  expect(await queues.stateOf(job)).toBe("failed");

  await page.goto(`${address}/queues/queue/${QUEUE}/${job.id}`);
  const retry = page.locator(JOB_BUTTONS).first();
  await retry.hover();
  await page.getByText("Retry", { exact: true }).waitFor();
  expect(await buttonsForJobs(page)).toEqual({ ofOne: 4, ofAll: 0 });
  await keep(page, "admin-failed-job");

  queues.mend();
  await retry.click();
  await confirm(page);
  await eventually(async () => (await queues.stateOf(job)) === "completed", { what: "the job's second run" });
  await page.goto(`${address}/queues/queue/${QUEUE}?status=completed`);
  await page.getByText(`#${job.id}`, { exact: true }).waitFor();
  await keep(page, "admin-completed-job");
  expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
  await context.close();
});

it("sends no cookie for another site's form, and is signed out of by its own", async () => {
  const { page, context } = await open();
  await signIn(page, ADMIN);
  await page.getByRole("link", { name: QUEUE }).first().waitFor();
  const there = new URL(address);
  // The same machine by another name is another site.
  await page.route("http://localhost:9/", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${there.origin}/queues/sign-out"><button>Win</button></form>`,
    }),
  );
  await page.goto("http://localhost:9/");
  const [answer] = await Promise.all([
    page.waitForResponse(`${address}/queues/sign-out`),
    page.getByRole("button", { name: "Win" }).click(),
  ]);
  expect(answer.status()).toBe(403);
  expect(await answer.request().headerValue("cookie")).toBeNull();

  await page.goto(`${address}/queues/account`);
  await look(page, "account");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Queues" }).waitFor();
  await page.goto(`${address}/queues`);
  expect(page.url()).toBe(`${address}/queues/sign-in`);
  expect(await context.cookies(address)).toEqual([]);
  await context.close();
});
