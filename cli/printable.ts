/** Without what moves a terminal's cursor or turns its text round: titles and posts are written by strangers. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, " ");
