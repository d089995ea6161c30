import type { ChannelMessage } from "../../db/message.ts";
import type {
  BasicGroup,
  ChannelDifference,
  ChannelInfo,
  ChannelRef,
  DialogState,
  FullChannel,
  HistoryPage,
  TelegramApi,
} from "../../telegram/api.ts";
import { PeerGone } from "../../telegram/errors.ts";
import { post } from "./posts.ts";

type Event = { readonly kind: "new" | "edit" | "delete"; readonly id: number };

/** One channel in memory: each event is one pts. */
export class FakeChannel {
  readonly id: bigint;
  readonly username: string;
  readonly messages = new Map<number, ChannelMessage>();
  readonly events: Event[] = [];
  /** Differences from before this pts are TooLong. */
  oldestPts = 1;
  topId = 0;
  isPrivate = false;

  constructor(id: bigint, username: string) {
    this.id = id;
    this.username = username;
  }

  /** Starts at 1. */
  get pts(): number {
    return this.events.length + 1;
  }

  post(count = 1): void {
    for (let index = 0; index < count; index += 1) {
      this.topId += 1;
      this.messages.set(this.topId, post({ channelId: this.id, id: this.topId, text: `post ${this.topId}` }));
      this.events.push({ kind: "new", id: this.topId });
    }
  }

  edit(id: number, text: string): void {
    const before = this.messages.get(id);
    if (!before) throw new Error("no such message");
    this.messages.set(id, { ...before, text, editDate: new Date(before.date.getTime() + 3_600_000) });
    this.events.push({ kind: "edit", id });
  }

  remove(id: number): void {
    this.messages.delete(id);
    this.events.push({ kind: "delete", id });
  }

  newestFirst(below = Number.POSITIVE_INFINITY): ChannelMessage[] {
    return [...this.messages.values()].filter(({ id }) => id < below).sort((a, b) => b.id - a.id);
  }
}

/** The few calls of gramfleet over channels in memory, for one account that has joined all of them. */
export class FakeTelegram implements TelegramApi {
  readonly channels: readonly FakeChannel[];
  readonly calls: string[] = [];
  /** The lowest id that this account may see; heeded by `messagesById` and `fullChannel`. */
  availableMinId = 0;
  /** Called before each call; throws what the call is to throw, or changes the world in between. */
  before: (method: string, channel: FakeChannel | null) => void | Promise<void> = () => {};

  constructor(channels: readonly FakeChannel[]) {
    this.channels = channels;
  }

  async getMe() {
    await this.#call("getMe");
    return { id: 1n, firstName: null, username: null, phone: null, isBot: false };
  }

  async resolveUsername(username: string): Promise<ChannelInfo> {
    await this.#call("resolveUsername");
    const channel = this.channels.find((each) => each.username === username);
    if (!channel) throw new PeerGone("USERNAME_NOT_OCCUPIED", "contacts.resolveUsername", "not_found");
    return infoOf(channel);
  }

  async peerDialogs(refs: readonly ChannelRef[]): Promise<DialogState[]> {
    await this.#call("peerDialogs");
    return refs.map((ref) => stateOf(this.#reach(ref, "messages.getPeerDialogs")));
  }

  async channelDialogs(limit: number): Promise<DialogState[]> {
    await this.#call("channelDialogs");
    return this.channels.slice(0, limit).map(stateOf);
  }

  async fullChannel(ref: ChannelRef): Promise<FullChannel> {
    await this.#call("fullChannel");
    const channel = this.#reach(ref, "channels.getFullChannel");
    const { availableMinId } = this;
    return { info: infoOf(channel), pts: channel.pts, participants: null, availableMinId, migratedFrom: null };
  }

  async basicGroup(): Promise<BasicGroup> {
    await this.#call("basicGroup");
    throw new PeerGone("CHAT_ID_INVALID", "messages.getChats", "invalid");
  }

  async history(ref: ChannelRef, at: { offsetId: number; limit: number }): Promise<HistoryPage> {
    await this.#call("history", this.#find(ref));
    const channel = this.#reach(ref, "messages.getHistory");
    const messages = channel.newestFirst(at.offsetId || undefined).slice(0, at.limit);
    return { messages, skipped: [], pts: channel.pts, count: channel.messages.size };
  }

  async channelDifference(ref: ChannelRef, since: { pts: number; limit: number }): Promise<ChannelDifference> {
    await this.#call("channelDifference", this.#find(ref));
    const channel = this.#reach(ref, "updates.getChannelDifference");
    if (since.pts < channel.oldestPts)
      return { kind: "too_long", pts: channel.pts, topMessageId: channel.topId, messages: [] };
    const events = channel.events.slice(since.pts - 1, since.pts - 1 + since.limit);
    const pts = since.pts + events.length;
    const final = pts === channel.pts;
    if (events.length === 0) return { kind: "empty", pts, final };
    const living = (kind: Event["kind"]) =>
      events.filter((event) => event.kind === kind).flatMap(({ id }) => channel.messages.get(id) ?? []);
    return {
      kind: "difference",
      pts,
      final,
      newMessages: living("new"),
      editedMessages: living("edit"),
      deletedIds: events.filter((event) => event.kind === "delete").map(({ id }) => id),
      pins: [],
      skipped: [],
    };
  }

  async messagesById(ref: ChannelRef, ids: readonly number[]): Promise<HistoryPage & { missing: number[] }> {
    await this.#call("messagesById", this.#find(ref));
    const channel = this.#reach(ref, "channels.getMessages");
    const visible = (id: number) => (id < this.availableMinId ? undefined : channel.messages.get(id));
    const messages = ids.flatMap((id) => visible(id) ?? []);
    const missing = ids.filter((id) => !visible(id));
    return { messages, skipped: [], pts: channel.pts, count: messages.length, missing };
  }

  async logOut(): Promise<void> {
    await this.#call("logOut");
  }

  async #call(method: string, channel: FakeChannel | null = null): Promise<void> {
    await this.before(method, channel);
    this.calls.push(method);
  }

  #find(ref: ChannelRef): FakeChannel | null {
    return this.channels.find((each) => each.id === ref.id) ?? null;
  }

  #reach(ref: ChannelRef, method: string): FakeChannel {
    const channel = this.#find(ref);
    if (!channel || channel.isPrivate) throw new PeerGone("CHANNEL_PRIVATE", method, "private");
    return channel;
  }
}

const infoOf = (channel: FakeChannel): ChannelInfo => ({
  id: channel.id,
  accessHash: channel.id * 7n,
  title: `Channel ${channel.id}`,
  username: channel.username,
  kind: "broadcast",
  joined: true,
});

const stateOf = (channel: FakeChannel): DialogState => ({
  channelId: channel.id,
  pts: channel.pts,
  topMessageId: channel.newestFirst()[0]?.id ?? 0,
  info: infoOf(channel),
});
