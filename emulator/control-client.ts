import { request } from "node:http";
import { z } from "zod";
import { type ChatLines, ChatLines as ChatLinesSchema, OpenedMiniApp, Written } from "./control-bot.ts";
import {
  ChannelAudit,
  ControlAccount,
  ControlChannel,
  ControlSummary,
  controlJson,
  EndedSessions,
  type FloodRequest,
  Ordered,
  type PersonRequest,
  Posted,
  type RefusalRequest,
} from "./control-protocol.ts";
import type { EndingName } from "./end-sessions.ts";

/** Talks to a running emulator over its control socket. */
export interface ControlClient {
  summary(): Promise<ControlSummary>;
  accounts(): Promise<ControlAccount[]>;
  channels(): Promise<ControlChannel[]>;
  /** What is in a channel now. */
  audit(channelId: bigint): Promise<ChannelAudit>;
  /** Lets posts, edits and deletions go on, or stops them: none happens after this came back. */
  setTraffic(running: boolean): Promise<void>;
  /** Gives the new message's id. */
  post(channelId: bigint, text: string): Promise<number>;
  edit(channelId: bigint, messageId: number, text: string): Promise<void>;
  remove(channelId: bigint, messageIds: readonly number[]): Promise<void>;
  forceFlood(flood: FloodRequest): Promise<void>;
  /** An error instead of an answer, for each call that all of it fits. The returned function takes it back. */
  refuse(refusal: RefusalRequest): Promise<() => Promise<void>>;
  /** Ends every session of an account; gives how many there were. */
  endSessions(telegramId: bigint, error: EndingName): Promise<number>;
  /** The person of this account scans a login link (`tg://login?token=…`) and accepts it. */
  scan(link: string, telegramId: bigint): Promise<void>;
  /** Somebody writes to the bot; `language` is what their Telegram is set to. Gives the message's id. */
  writeToBot(telegramId: bigint, text: string, language?: string): Promise<number>;
  /** Somebody taps the newest button of the bot's with these words on it. */
  tapAtBot(telegramId: bigint, words: string): Promise<void>;
  /** Somebody opens the Mini App of such a button. */
  openAtBot(telegramId: bigint, words: string): Promise<z.output<typeof OpenedMiniApp>>;
  /** What is in somebody's chat with the bot, the oldest first. */
  chatWithBot(telegramId: bigint): Promise<ChatLines>;
  /** Somebody who is new to Telegram, with or without a two-step password. */
  addPerson(person: Omit<PersonRequest, "id"> & { id: bigint }): Promise<void>;
  setTitle(channelId: bigint, title: string): Promise<void>;
  /** A username that nobody has; null makes the channel private. */
  setUsername(channelId: bigint, username: string | null): Promise<void>;
  ban(userId: bigint, channelId: bigint): Promise<void>;
  unban(userId: bigint, channelId: bigint): Promise<void>;
  deleteChannel(channelId: bigint): Promise<void>;
  /** A new basic group. */
  addGroup(groupId: bigint, title: string, members: readonly bigint[]): Promise<void>;
  /** The group becomes a supergroup of this id. */
  migrateGroup(groupId: bigint, channelId: bigint): Promise<void>;
}

/** Every method throws where the socket is not there or the emulator refuses, with its words. */
export function createControlClient(socketPath: string): ControlClient {
  const ask = async <S extends z.ZodType>(schema: S, path: string, body?: unknown): Promise<z.output<S>> =>
    schema.parse(JSON.parse(await exchange(socketPath, path, body)));
  return {
    summary: () => ask(ControlSummary, "/summary"),
    accounts: () => ask(z.array(ControlAccount), "/accounts"),
    channels: () => ask(z.array(ControlChannel), "/channels"),
    audit: (channelId) => ask(ChannelAudit, `/channels/${channelId}/audit`),
    setTraffic: (running) => ask(Done, "/traffic", { running }),
    post: async (channelId, text) => (await ask(Posted, "/post", { channelId, text })).messageId,
    edit: (channelId, messageId, text) => ask(Done, "/edit", { channelId, messageId, text }),
    remove: (channelId, messageIds) => ask(Done, "/delete", { channelId, messageIds }),
    forceFlood: (flood) => ask(Done, "/flood", flood),
    refuse: async (refusal) => {
      const { id } = await ask(Ordered, "/refuse", refusal);
      return () => ask(Done, "/take-back", { id });
    },
    endSessions: async (telegramId, error) =>
      (await ask(EndedSessions, "/end-sessions", { telegramId, error })).sessions,
    scan: (link, telegramId) => ask(Done, "/scan", { link, telegramId }),
    writeToBot: async (telegramId, text, language) =>
      (await ask(Written, "/bot/write", { telegramId, text, ...(language === undefined ? {} : { language }) }))
        .messageId,
    tapAtBot: (telegramId, words) => ask(Done, "/bot/tap", { telegramId, words }),
    openAtBot: (telegramId, words) => ask(OpenedMiniApp, "/bot/open", { telegramId, words }),
    chatWithBot: (telegramId) => ask(ChatLinesSchema, "/bot/chat", { telegramId }),
    addPerson: (person) => ask(Done, "/people", person),
    setTitle: (channelId, title) => ask(Done, "/title", { channelId, title }),
    setUsername: (channelId, username) => ask(Done, "/username", { channelId, username }),
    ban: (userId, channelId) => ask(Done, "/ban", { userId, channelId }),
    unban: (userId, channelId) => ask(Done, "/unban", { userId, channelId }),
    deleteChannel: (channelId) => ask(Done, "/delete-channel", { channelId }),
    addGroup: (groupId, title, members) => ask(Done, "/group", { groupId, title, members }),
    migrateGroup: (groupId, channelId) => ask(Done, "/migrate", { groupId, channelId }),
  };
}

const Done = z.object({}).transform((): void => undefined);

function exchange(socketPath: string, path: string, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const asked = request({ socketPath, path, method, headers: { connection: "close" } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`the emulator answered ${answer.statusCode} to ${method} ${path}: ${text}`));
      });
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : controlJson(body));
  });
}
