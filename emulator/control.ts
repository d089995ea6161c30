import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import { z } from "zod";
import { OperatorError } from "../runtime/operator-error.ts";
import { auditOf, channelLine } from "./audit.ts";
import type { BotApi } from "./bot-api/start.ts";
import { botRoutes } from "./control-bot.ts";
import {
  ChannelRequest,
  type ControlAccount,
  type ControlSummary,
  controlJson,
  DeleteRequest,
  EditRequest,
  EndSessionsRequest,
  FloodRequest,
  GroupRequest,
  MemberRequest,
  MigrateRequest,
  PersonRequest,
  PostRequest,
  RefusalRequest,
  ScanRequest,
  TakeBackRequest,
  TitleRequest,
  TrafficRequest,
  UsernameRequest,
} from "./control-protocol.ts";
import type { AuthKeyStore } from "./dc/auth-keys.ts";
import { endSessions } from "./end-sessions.ts";
import type { Floods } from "./floods.ts";
import type { OrderedRefusal, Refusals } from "./refusals.ts";
import { migrateGroup } from "./world/life.ts";
import type { World } from "./world/model.ts";
import { plainPost } from "./world/plain-post.ts";
import { composeService } from "./world/posts.ts";

/** What other processes may ask for. */
export interface Controlled {
  readonly world: World;
  readonly floods: Floods;
  readonly refusals: Refusals;
  readonly keys: AuthKeyStore;
  readonly now: () => number;
  summary(): ControlSummary;
  accounts(): readonly ControlAccount[];
  setTraffic(running: boolean): void;
  scan(link: string, telegramId: bigint): void;
  /** Null where there is no bot. */
  botApi(): BotApi | null;
}

export interface Control {
  readonly path: string;
  close(): Promise<void>;
}

type Route = readonly [method: "GET" | "POST", path: RegExp, answer: (id: string, body: unknown) => unknown];

/**
 * Serves the emulator's witness, and a hand in its world, as JSON over HTTP on a unix socket that only its owner may use.
 *
 * @throws OperatorError where another emulator listens there
 */
export async function startControl(path: string, controlled: Controlled): Promise<Control> {
  const routes = routesOf(controlled);
  const server = createServer((request, response) => {
    const reply = (status: number, value: unknown) => {
      response.writeHead(status, { "content-type": "application/json" }).end(controlJson(value));
    };
    answerTo(routes, request).then(
      (value) => reply(value === undefined ? 404 : 200, value ?? { error: "no such path" }),
      (error: unknown) => reply(400, { error: error instanceof Error ? error.message : String(error) }),
    );
  });
  await clearStale(path);
  await listen(server, path);
  chmodSync(path, 0o600);
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function routesOf({ world, floods, now, ...controlled }: Controlled): readonly Route[] {
  const channelOf = (id: bigint) => {
    const channel = world.channels.get(id);
    if (!channel) throw new Error(`no channel ${id}`);
    return channel;
  };
  const seconds = () => Math.floor(now() / 1000);
  return [
    ["GET", /^\/summary$/, () => controlled.summary()],
    ["GET", /^\/accounts$/, () => controlled.accounts()],
    ["GET", /^\/channels$/, () => [...world.channels.values()].map(channelLine)],
    ["GET", /^\/channels\/(\d+)\/audit$/, (id) => auditOf(channelOf(BigInt(id)))],
    ["POST", /^\/traffic$/, (_, body) => done(controlled.setTraffic(TrafficRequest.parse(body).running))],
    [
      "POST",
      /^\/scan$/,
      (_, body) => {
        const { link, telegramId } = ScanRequest.parse(body);
        return done(controlled.scan(link, telegramId));
      },
    ],
    ["POST", /^\/people$/, (_, body) => done(world.addUser(PersonRequest.parse(body)))],
    ["POST", /^\/flood$/, (_, body) => done(floods.forceFlood(definedOnly(FloodRequest.parse(body))))],
    [
      "POST",
      /^\/post$/,
      (_, body) => {
        const { channelId, text } = PostRequest.parse(body);
        return { messageId: world.post(channelId, plainPost(text, seconds())).id };
      },
    ],
    [
      "POST",
      /^\/edit$/,
      (_, body) => {
        const { channelId, messageId, text } = EditRequest.parse(body);
        return done(world.edit(channelId, messageId, { message: text, entities: [], editDate: seconds() }));
      },
    ],
    [
      "POST",
      /^\/delete$/,
      (_, body) => {
        const { channelId, messageIds } = DeleteRequest.parse(body);
        return done(world.remove(channelId, messageIds));
      },
    ],
    ...lifeRoutes(world, seconds),
    ...botRoutes(controlled.botApi),
    ...refusalRoutes(controlled),
  ];
}

/** Errors on demand, and the end of an account's sessions. */
function refusalRoutes({ refusals, keys }: Pick<Controlled, "refusals" | "keys">): readonly Route[] {
  const takeBack: (() => void)[] = [];
  return [
    [
      "POST",
      /^\/refuse$/,
      (_, body) => {
        // Fields that were not sent are not there: the parsed object has none with undefined.
        return { id: takeBack.push(refusals.order(RefusalRequest.parse(body) as OrderedRefusal)) };
      },
    ],
    ["POST", /^\/take-back$/, (_, body) => done(takeBack[TakeBackRequest.parse(body).id - 1]?.())],
    [
      "POST",
      /^\/end-sessions$/,
      (_, body) => {
        const { telegramId, error } = EndSessionsRequest.parse(body);
        return { sessions: endSessions(keys, telegramId, error) };
      },
    ],
  ];
}

/** What can happen to a channel as a whole. */
function lifeRoutes(world: World, seconds: () => number): readonly Route[] {
  const memberRoute = (path: RegExp, change: (userId: bigint, channelId: bigint) => void): Route => [
    "POST",
    path,
    (_, body) => {
      const { userId, channelId } = MemberRequest.parse(body);
      return done(change(userId, channelId));
    },
  ];
  return [
    memberRoute(/^\/ban$/, (userId, channelId) => world.ban(userId, channelId)),
    memberRoute(/^\/unban$/, (userId, channelId) => world.unban(userId, channelId)),
    [
      "POST",
      /^\/title$/,
      (_, body) => {
        const { channelId, title } = TitleRequest.parse(body);
        return done(world.post(channelId, composeService(seconds(), { type: "chat_edit_title", title })));
      },
    ],
    [
      "POST",
      /^\/username$/,
      (_, body) => {
        const { channelId, username } = UsernameRequest.parse(body);
        return done(world.setUsername(channelId, username));
      },
    ],
    ["POST", /^\/delete-channel$/, (_, body) => done(world.deleteChannel(ChannelRequest.parse(body).channelId))],
    [
      "POST",
      /^\/group$/,
      (_, body) => {
        const { groupId, title, members } = GroupRequest.parse(body);
        world.addGroup({ id: groupId, title, date: seconds() });
        for (const userId of members) world.joinGroup(userId, groupId);
        return {};
      },
    ],
    [
      "POST",
      /^\/migrate$/,
      (_, body) => {
        const { groupId, channelId } = MigrateRequest.parse(body);
        return done(migrateGroup(world, { groupId, channelId, date: seconds() }));
      },
    ],
  ];
}

const done = (_: unknown) => ({});

/** Fields that were not sent are left out: the world's types know no undefined. */
function definedOnly({ accountIds, apiId, method, seconds }: FloodRequest) {
  return {
    seconds,
    ...(accountIds ? { accountIds } : {}),
    ...(apiId === undefined ? {} : { apiId }),
    ...(method === undefined ? {} : { method }),
  };
}

async function answerTo(routes: readonly Route[], request: IncomingMessage): Promise<unknown> {
  const body = request.method === "POST" ? z.json().parse(JSON.parse(await textOf(request))) : undefined;
  for (const [method, path, answer] of routes) {
    const match = request.method === method ? path.exec(request.url ?? "") : null;
    if (match) return answer(match[1] ?? "", body);
  }
  return undefined;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** A socket file that a killed emulator left behind is removed; one that answers is somebody's. */
async function clearStale(path: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => resolve(true)).once("error", () => resolve(false));
    probe.once("connect", () => probe.destroy());
  });
  if (answers) throw new OperatorError(`another emulator listens on ${path}: stop it, or choose another --control`);
  rmSync(path, { force: true });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new OperatorError(`cannot listen on ${path}: ${cause.message}`, { cause }));
    });
    server.listen(path, () => resolve());
  });
}
