import type { Queue } from "bullmq";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Access } from "../http/access.ts";
import { ApiError } from "../http/errors.ts";
import { refusalOfAction } from "./actions.ts";
import { type BoardRoute, createBoard } from "./bull-board.ts";
import { guardBoard, operatorOf } from "./guard.ts";
import type { Operator, Operators } from "./operators.ts";
import { ACCOUNT, BOARD } from "./pages.ts";
import { handleBoardErrors, QueuesAway } from "./problems.ts";
import { signInRoutes } from "./sign-in.ts";
import { BOARD_POLICY, createIndex, findUiFiles } from "./ui-files.ts";

export interface BoardDeps {
  readonly operators: Operators;
  /** Every queue that ever got a job; rejects where Redis is away. */
  readonly queues: () => Promise<readonly Queue[]>;
}

/** All that a look at the queues, or an action, may take. */
const DEADLINE_MS = 15_000;
const YEAR_SECONDS = 31_536_000;

/** Bull Board, for whoever is signed in: looking is for all of them, changing for admins. */
export const boardRoutes: FastifyPluginAsync<BoardDeps> = async (app, { operators, ...deps }) => {
  const queues = () =>
    deps.queues().catch((error: unknown) => {
      throw new QueuesAway("the queues cannot be listed", { cause: error });
    });
  guardBoard(app, operators);
  handleBoardErrors(app);
  await app.register(signInRoutes, { operators });

  const board = createBoard();
  const index = createIndex(board.uiFolder);
  const files = findUiFiles(board.uiFolder);
  const uiConfigFor = ({ name, role }: Operator) => ({
    ...board.uiConfig,
    miscLinks: [{ text: name === null ? "This machine" : `${name} (${role})`, url: ACCOUNT }],
  });

  const show = async (request: FastifyRequest, reply: FastifyReply) => {
    // Where Redis is away the page would stay empty: that is said instead.
    await queues();
    reply.type("text/html; charset=utf-8").header("content-security-policy", BOARD_POLICY);
    reply.header("referrer-policy", "same-origin");
    return reply.send(index(uiConfigFor(operatorOf(request))));
  };
  for (const page of board.pages) {
    app.get(`${BOARD}${page}`, { config: { access: "board-viewer", page: true }, schema: { hide: true } }, show);
  }
  app.get(BOARD, { config: { access: "board-viewer", page: true }, schema: { hide: true } }, show);

  app.get<{ Params: { "*": string } }>(
    `${BOARD}/static/*`,
    { config: { access: "board-viewer" }, schema: { hide: true } },
    async (request, reply) => {
      const file = files.get(request.params["*"]);
      if (!file) throw new ApiError(404, "not_found", "the board has no such file");
      // A worker's rules are those that came with its script.
      reply.type(file.type).header("content-security-policy", BOARD_POLICY);
      if (file.immutable) reply.header("cache-control", `private, max-age=${YEAR_SECONDS}, immutable`);
      return reply.send(await file.read());
    },
  );

  for (const { method, url, handler } of board.routes) {
    const action = method === "GET" ? null : `${method} ${url}`;
    const access: Access = action === null ? "board-viewer" : "board-admin";
    app.route({
      ...{ method, url: `${BOARD}${url}`, config: { access }, schema: { hide: true } },
      handler: async (request, reply) => {
        const operator = operatorOf(request);
        const answer = await withDeadline(`the board's ${method}`, DEADLINE_MS, respond(request, operator));
        return reply.code(answer.status ?? 200).send(answer.body);
      },
    });

    async function respond(request: FastifyRequest, operator: Operator): ReturnType<typeof answerOf> {
      const params = request.params as Readonly<Record<string, string>>;
      const there = board.queuesFor(operator.role, await queues());
      if (action !== null) {
        const refusal = await refusalOfAction(action, { queues: there, params });
        const what = {
          action,
          operator: operator.name,
          role: operator.role,
          queue: params.queueName,
          job: params.jobId,
        };
        request.log.info({ ...what, refused: refusal !== null }, "action at the queues' board");
        if (refusal !== null) throw new ApiError(403, "not_done_here", refusal);
      }
      return answerOf(handler, request, { there, operator });
    }
  }

  async function answerOf(
    handler: BoardRoute["handler"],
    request: FastifyRequest,
    { there, operator }: { there: ReturnType<typeof board.queuesFor>; operator: Operator },
  ) {
    return handler({
      ...{ queues: there, uiConfig: uiConfigFor(operator) },
      params: request.params as Record<string, string>,
      query: request.query as Record<string, string>,
      // Nothing that is done here needs one.
      body: {},
      headers: {},
    });
  }
};
