/** Telegram's login codes have five digits or six; people write them with blanks and dashes between. */
const CODE = /(?<!\d[ \u00a0-]?|[-+])\d(?:[ \u00a0-]?\d){4,5}(?![ \u00a0-]?\d)/;

/** Whether somebody has written what may be a login code of Telegram's, alone or among words. */
export const looksLikeCode = (text: string): boolean => CODE.test(text);
