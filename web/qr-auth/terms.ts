/** What somebody agrees to who logs in, as the document brings it. */
export interface Terms {
  readonly text: string;
  /** By which our server knows it. */
  readonly sha256: string;
}

/** The text in this language; null where the document has none. */
export function termsIn(language: string): Terms | null {
  const meta = document.querySelector<HTMLMetaElement>(`meta[name="terms"][lang="${language}"]`);
  return meta ? { text: meta.content, sha256: meta.id } : null;
}
