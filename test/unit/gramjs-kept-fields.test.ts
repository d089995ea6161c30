import { beforeAll, expect, it } from "vitest";
import type { ChannelRef, TelegramApi } from "../../telegram/api.ts";
import { GramJsApi } from "../../telegram/gramjs/api.ts";
import { createDecoder, type Decoder } from "../../telegram/gramjs/codec/decoder.ts";
import { DECODED_ANSWERS, KEPT_OF_CLASSES, KEPT_OF_TYPES } from "../../telegram/gramjs/codec/kept-fields.ts";
import { randomAnswer } from "../../telegram/gramjs/codec/random-answer.ts";
import { type Definition, gramJsSchema, type Schema } from "../../telegram/gramjs/codec/schema.ts";
import { plainPolicy } from "../support/wire-telegram.ts";

/* The mappings are watched while they read answers of which nothing is passed over: what they read must be kept. */

/** All numbers are this one, so that what is looked for by its id is found. */
const EVERY_ID = 7n;
const CHANNEL: ChannelRef = { id: EVERY_ID, accessHash: EVERY_ID };
const SIZE = { objects: 60, levels: 6 };
/** What a part of an answer may be, and how often each of its kinds is tried. */
const TRIED: Readonly<Record<string, number>> = {
  MessageMedia: 20,
  MessageAction: 6,
  MessageEntity: 2,
  Update: 3,
  Chat: 20,
  User: 5,
  Dialog: 10,
};
const TIMES = 60;

let schema: Schema;
let whole: Decoder;
const asked = new Set<string>();

beforeAll(() => {
  schema = gramJsSchema();
  whole = createDecoder(schema, ({ fields }) => new Set(fields.map(({ name }) => name)));
});

const random = (className: string) => whole.decode(randomAnswer(schema, className, SIZE)) as Record<string, unknown>;
const classesOf = (type: string) => schema.idsOf(type).map((id) => (schema.constructorOf(id) as Definition).className);

/** The same, and every field that is asked for is noted. */
function watched<T>(value: T): T {
  if (typeof value === "bigint") return EVERY_ID as T;
  if (typeof value === "number") return Number(EVERY_ID) as T;
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(watched) as T;
  const { className } = value as { className?: string };
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === "string" && key !== "className" && key in target) asked.add(`${className}.${key}`);
      return watched(Reflect.get(target, key));
    },
  });
}

/** An account to which every call is answered with this. */
const answered = (answer: unknown) => new GramJsApi({ invoke: async () => watched(answer) as never }, plainPolicy);
/** Which calls an answer may answer to, by how it is called. */
const CALLS: readonly (readonly [RegExp, (api: TelegramApi) => Promise<unknown>])[] = [
  [/^User/, (api) => api.getMe()],
  [/^contacts\.ResolvedPeer/, (api) => api.resolveUsername("news")],
  [/^messages\.PeerDialogs/, (api) => api.peerDialogs([CHANNEL])],
  [/^messages\.Dialogs/, (api) => api.channelDialogs(1)],
  [/^messages\.ChatFull/, (api) => api.fullChannel(CHANNEL)],
  [/^messages\.Chats/, (api) => api.basicGroup(EVERY_ID)],
  [/^messages\.(Channel)?Messages/, (api) => api.history(CHANNEL, { offsetId: 0, limit: 100 })],
  [/^updates\.ChannelDifference/, (api) => api.channelDifference(CHANNEL, { pts: 1, limit: 100 })],
];

it("keeps what the mappings read, and nothing else", async () => {
  const of = (type: string): unknown[] =>
    classesOf(type).flatMap((className) => Array.from({ length: TRIED[type] ?? 1 }, () => random(className)));
  const peerId = { className: "PeerChannel", channelId: EVERY_ID };
  const files = of("DocumentAttribute").map((attribute) => {
    const document = { ...random("Document"), attributes: [attribute] };
    return { ...random("MessageMediaDocument"), document };
  });
  const messages = [
    ...[...of("MessageMedia"), ...files].map((media) => ({ ...random("Message"), peerId, media })),
    ...of("MessageAction").map((action) => ({ ...random("MessageService"), peerId, action })),
    { ...random("Message"), peerId, entities: of("MessageEntity") },
    random("MessageEmpty"),
  ];
  const parts = { messages, newMessages: messages, otherUpdates: of("Update") };
  const [users, dialogs] = [of("User"), of("Dialog")];
  const chats = of("Chat");
  for (const name of DECODED_ANSWERS) {
    for (let time = 0; time < TIMES; time += 1) {
      const answer = random(name);
      await answerWith(answer);
      // The first chat is the one that is found.
      if ("chats" in answer) await answerWith({ ...answer, chats: [chats[time % chats.length]] });
      if ("users" in answer && "dialogs" in answer) await answerWith({ ...answer, dialogs, users });
      if (time > 0) continue;
      const known = Object.entries(parts).filter(([part]) => part in answer);
      await answerWith({ ...answer, ...Object.fromEntries(known) });
    }
  }
  const kept = Object.entries(KEPT_OF_CLASSES).flatMap(([name, fields]) => fields.map((field) => `${name}.${field}`));
  for (const [type, fields] of Object.entries(KEPT_OF_TYPES))
    for (const name of classesOf(type)) kept.push(...fields.map((field) => `${name}.${field}`));
  const missing = [...asked].filter((field) => !kept.includes(field));
  expect({ missing, forNothing: kept.filter((field) => !asked.has(field)) }).toEqual({ missing: [], forNothing: [] });
});

/** What becomes of it is another test's matter. */
async function answerWith(answer: Record<string, unknown>): Promise<void> {
  const name = String(answer.className);
  const api = answered(name.startsWith("User") ? [answer] : answer);
  for (const [answers, call] of CALLS) if (answers.test(name)) await call(api).catch(() => {});
}
