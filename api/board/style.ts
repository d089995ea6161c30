/** Where it is served. */
export const STYLE_URL = "/queues/sign-in.css";

/** The look of the pages that are not Bull Board's: as that of the page on which people log in (`web/qr-auth`). */
export const STYLE = `:root {
  color-scheme: light;
  --ground: #f1f3f6;
  --surface: #ffffff;
  --text: #15191e;
  --muted: #5c6672;
  --accent: #1769b5;
  --on-accent: #ffffff;
  --danger: #b3261e;
  --line: #dde2e8;
  --field-line: #7d8894;
}
@media (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --ground: #0e1216;
    --surface: #171c22;
    --text: #eef1f4;
    --muted: #9aa6b2;
    --accent: #4a9fe8;
    --on-accent: #08131d;
    --danger: #ff8a80;
    --line: #2b333c;
    --field-line: #77838f;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0;
  min-height: 100vh;
  background: var(--ground);
  color: var(--text);
  font: 400 16px / 1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
.place { max-width: 25rem; margin: 0 auto; padding: 12vh 20px 28px; }
h1 { margin: 0 0 6px; font-size: 1.5rem; line-height: 1.25; font-weight: 650; text-align: center; overflow-wrap: anywhere; }
.lead { margin: 0 0 20px; color: var(--muted); text-align: center; text-wrap: balance; }
.card { margin: 0; padding: 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 14px; }
.problem { margin: 0 0 14px; color: var(--danger); }
label { display: block; margin: 0 0 4px; font-weight: 550; }
input {
  display: block;
  width: 100%;
  min-height: 44px;
  margin: 0 0 16px;
  padding: 8px 12px;
  font: inherit;
  color: var(--text);
  background: var(--ground);
  border: 1px solid var(--field-line);
  border-radius: 10px;
}
button {
  display: block;
  width: 100%;
  min-height: 48px;
  font: inherit;
  font-weight: 600;
  color: var(--on-accent);
  background: var(--accent);
  border: 0;
  border-radius: 10px;
  cursor: pointer;
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
a { color: var(--accent); }
.back { margin: 20px 0 0; text-align: center; }
.back a { display: inline-block; padding: 10px; }
`;
