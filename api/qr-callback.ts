/** What the Mini App's bot says of a QR login: this account has scanned the ticket's code. */
export interface QrReport {
  readonly ticket: string;
  readonly telegramId: bigint;
  readonly twoFaRequired: boolean;
}

/** Takes such a report once it is proven to be real and new. Who keeps tickets says what becomes of it. */
export type QrCallback = (report: QrReport) => Promise<{ readonly status: string; readonly message: string }>;
