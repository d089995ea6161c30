import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import type { Agreed } from "../db/consents.ts";
import type { Log } from "../runtime/log.ts";
import type { PasswordProof } from "../telegram/login/password.ts";
import type { TicketBox } from "./ticket-box.ts";
import { decode, encode } from "./ticket-store.ts";

/** What whoever logs in answers to what the login asks for. A password is not among it: a proof of it is. */
export type Answer =
  | { readonly kind: "proof"; readonly proof: PasswordProof }
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "resend" };

/** What one process asks of the one that holds a ticket; `hint`: something may have happened at Telegram. */
export type TicketWork =
  | Answer
  | { readonly kind: "cancel" }
  | { readonly kind: "hint" }
  | { readonly kind: "shown"; readonly shown: Agreed };
export type TicketRequest = TicketWork & { readonly ticket: string };

/** What it answers: whether it still has the ticket, and has done what was asked. */
export type TicketReply = "done" | "refused" | "gone";

/** Messages between the processes that hold tickets, by Redis's PUBLISH: whoever is not there misses them. */
export interface TicketMail {
  /** Null where the holder is not there, or does not answer in time. */
  ask(holder: string, request: TicketRequest): Promise<TicketReply | null>;
  /** Tells every process that a ticket has changed. */
  changed(ticket: string): Promise<void>;
  close(): void;
}

type Letter =
  | { readonly kind: "request"; readonly id: string; readonly from: string; readonly request: TicketRequest }
  | { readonly kind: "reply"; readonly id: string; readonly reply: TicketReply };

/** @param options.subscriber a connection of its own: it can do nothing else */
export async function openTicketMail(options: {
  readonly redis: Redis;
  readonly subscriber: Redis;
  readonly prefix: string;
  readonly holder: string;
  readonly box: TicketBox;
  readonly answerWithinMs: number;
  readonly onRequest: (request: TicketRequest) => Promise<TicketReply>;
  readonly onChanged: (ticket: string) => void;
  readonly log: Log;
}): Promise<TicketMail> {
  const { redis, subscriber, prefix, holder, box, log } = options;
  const boxOf = (name: string) => `{${prefix}}:ticket-mail:${name}`;
  const changes = `{${prefix}}:ticket-changes`;
  const waiting = new Map<string, (reply: TicketReply | null) => void>();

  const send = (to: string, letter: Letter) => redis.publish(boxOf(to), box.seal(encode(letter), to));
  const take = async (sealed: string): Promise<void> => {
    const letter = decode<Letter>(box.open(sealed, holder));
    if (letter.kind === "reply") return waiting.get(letter.id)?.(letter.reply);
    const reply = await options.onRequest(letter.request);
    await send(letter.from, { kind: "reply", id: letter.id, reply });
  };

  subscriber.on("message", (channel: string, text: string) => {
    if (channel === changes) options.onChanged(text);
    else take(text).catch((error: unknown) => log.warn({ err: error }, "a message about a ticket was lost"));
  });
  await subscriber.subscribe(boxOf(holder), changes);

  return {
    ask(to, request) {
      const id = randomUUID();
      return new Promise((resolve, reject) => {
        const settle = (reply: TicketReply | null) => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(reply);
        };
        const timer = setTimeout(() => settle(null), options.answerWithinMs);
        waiting.set(id, settle);
        const sent = send(to, { kind: "request", id, from: holder, request });
        sent
          .then(async (receivers) => {
            if (receivers === 0 && !(await isHeardElsewhere(redis, boxOf(to)))) settle(null);
          })
          .catch((error: unknown) => {
            settle(null);
            reject(error);
          });
      });
    },
    changed: async (ticket) => void (await redis.publish(changes, ticket)),
    close() {
      for (const settle of waiting.values()) settle(null);
    },
  };
}

/** In a cluster PUBLISH counts those alone who listen at the node that took it, though every node's hear it. */
async function isHeardElsewhere(redis: Redis, channel: string): Promise<boolean> {
  if (!redis.isCluster) return false;
  const nodes = (redis as unknown as Cluster).nodes("all");
  const asked = await Promise.allSettled(nodes.map((node) => node.pubsub("NUMSUB", channel)));
  // A node that does not answer may be the one.
  return asked.some((answer) => answer.status === "rejected" || Number(answer.value[1]) > 0);
}
