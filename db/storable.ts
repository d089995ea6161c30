/** Replaces each character that PostgreSQL cannot hold (U+0000, lone surrogates) by U+FFFD, which is as long. */
export const toStorable = (text: string): string =>
  text.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "\ufffd");
