import type { Operator } from "./operators.ts";
import { STYLE_URL } from "./style.ts";

/** Where the board is. */
export const BOARD = "/queues";
export const SIGN_IN = `${BOARD}/sign-in`;
export const SIGN_OUT = `${BOARD}/sign-out`;
export const ACCOUNT = `${BOARD}/account`;

/** Of the pages that are not Bull Board's: they load one style, and send one form. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const documentOf = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escaped(title)} · gramfleet</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLE_URL}">
</head>
<body>
<main class="place">
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`;

/** The form for name and password; `problem` is why it is shown again. */
export const signInPage = (problem: string | null, name = ""): string =>
  documentOf(
    "Queues",
    `<p class="lead">Sign in to look at the job queues.</p>
<form class="card" method="post" action="${SIGN_IN}">
${problem === null ? "" : `<p class="problem" role="alert">${escaped(problem)}</p>`}
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" value="${escaped(name)}"${name === "" ? " autofocus" : ""}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${name === "" ? "" : " autofocus"}>
<button type="submit">Sign in</button>
</form>`,
  );

const MAY = {
  viewer: "You may look at queues and jobs. Changing them is for admins.",
  admin: "You may look at queues and jobs, pause queues, and try, promote and remove jobs.",
} as const;

/** Who is signed in, and the way out. */
export const accountPage = ({ name, role }: Operator): string =>
  documentOf(
    name ?? "This machine",
    `<p class="lead">${MAY[role]}</p>
${
  name === null
    ? `<p class="card">Nobody has a password yet, so the queues are shown to this machine alone.
<code>gramfleet admin hash-password</code> makes an entry for <code>ADMIN_USERS</code>.</p>`
    : `<form class="card" method="post" action="${SIGN_OUT}"><button type="submit">Sign out</button></form>`
}
<p class="back"><a href="${BOARD}">Back to the queues</a></p>`,
  );

/** One sentence, where there is nothing else to show. */
export const noticePage = (title: string, sentence: string): string =>
  documentOf(
    title,
    `<p class="lead">${escaped(sentence)}</p>
<p class="back"><a href="${BOARD}">Try again</a></p>`,
  );
