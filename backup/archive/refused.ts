import { OperatorError } from "../../runtime/operator-error.ts";

/** An archive is not believed: none of it may be used. */
export class ArchiveRefused extends OperatorError {
  override name = "ArchiveRefused";
  readonly reason: "no_archive" | "newer_version" | "wrong_key" | "truncated" | "altered" | "unreadable";

  constructor(reason: ArchiveRefused["reason"], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}
