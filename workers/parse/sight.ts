import { type Channel, type ChannelAccess, saveAccess } from "../../db/channels.ts";
import type { OpenAccount } from "../../telegram/account.ts";

/**
 * How far back one account sees a channel. Of a group it may be less from one moment to the next: its member clears the
 * history for themselves, or joins anew. An id below is none that does not exist: others see it.
 */
export class Sight {
  readonly #account: OpenAccount;
  readonly #access: ChannelAccess;
  readonly #mayShrink: boolean;
  /** What Telegram said last. */
  availableMinId: number;
  /** The lowest id of which what was read here tells anything. */
  floor: number;

  constructor(account: OpenAccount, access: ChannelAccess, channel: Pick<Channel, "kind">) {
    this.#account = account;
    this.#access = access;
    this.#mayShrink = channel.kind === "megagroup";
    this.availableMinId = access.availableMinId;
    this.floor = Math.max(1, access.availableMinId);
  }

  /** Asks again (groups only), after the answer that is in doubt, and saves what is new. @throws as `fullChannel` */
  async askAgain(): Promise<void> {
    if (!this.#mayShrink) return;
    const { channelId, accessHash, joined } = this.#access;
    const { availableMinId } = await this.#account.api.fullChannel({ id: channelId, accessHash });
    this.floor = Math.max(this.floor, availableMinId);
    if (availableMinId === this.availableMinId) return;
    this.availableMinId = availableMinId;
    const { tenantId, userId } = this.#account.session;
    await this.#account.commit((tx) =>
      saveAccess(tx, { tenantId, userId, channelId, accessHash, joined, availableMinId }),
    );
  }
}
