import type { Terms } from "../../terms/terms.ts";
import type { PageAssets } from "./assets.ts";

export const ASSETS = "/qr-auth/assets";

/** Telegram's WebApp object (core.telegram.org/bots/webapps). The page works without it too. */
const TELEGRAM_SCRIPT = "https://telegram.org/js/telegram-web-app.js";

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The page: everything on it is made by its script. It is the same for every ticket, and does not hold any. */
export const documentOf = ({ script, style }: PageAssets, terms: Terms): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="format-detection" content="telephone=no">
<title>gramfleet</title>
${terms.all.map(({ language, text, sha256 }) => `<meta name="terms" lang="${language}" id="${sha256}" content="${escaped(text)}">`).join("\n")}
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${ASSETS}/${style.name}">
<script defer src="${ASSETS}/${script.name}"></script>
<script async src="${TELEGRAM_SCRIPT}" referrerpolicy="no-referrer"></script>
</head>
<body>
<noscript><p>This page needs JavaScript. Этой странице нужен JavaScript.</p></noscript>
</body>
</html>
`;

/**
 * What the page may load and where it may be shown: from here, but for Telegram's script; alone, or in Telegram's web
 * client. `data:` is for its icon.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src 'self' ${TELEGRAM_SCRIPT}`,
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors https://web.telegram.org",
].join("; ");
