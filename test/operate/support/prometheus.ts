import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";

/** One series of an answer: an instant query gives it one sample, a range query many. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly samples: readonly number[];
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

export interface Prometheus {
  readonly url: string;
  instant(expr: string): Promise<readonly Series[]>;
  /** From then on until now. */
  range(expr: string, since: number, stepSeconds: number): Promise<readonly Series[]>;
  /** The values that a label has. */
  values(metric: string, label: string): Promise<readonly string[]>;
  alerts(): Promise<readonly FiringAlert[]>;
  close(): Promise<void>;
}

/** Starts Debian's Prometheus on loopback, with its data in `dir`. `userAssets` is served under /user. */
export async function startPrometheus(options: { dir: string; config: string; userAssets: string }) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const data = join(options.dir, "prometheus-data");
  mkdirSync(data, { recursive: true });
  const config = join(options.dir, "prometheus.yml");
  writeFileSync(config, options.config);
  const logFile = join(options.dir, "prometheus.log");
  const log = openSync(logFile, "w");
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.external-url=${url}`,
      `--web.user-assets=${options.userAssets}`,
    ],
    { stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const api = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== "success") throw new Error(`${body.error}: ${JSON.stringify(parameters)}`);
    return body.data;
  };
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended: ${readFileSync(logFile, "utf8")}`);
      return fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    { timeoutMs: 60_000, everyMs: 100, what: "Prometheus being ready" },
  );
  const prometheus: Prometheus = {
    url,
    instant: async (query) => seriesOf(await api("query", { query })),
    range: async (query, since, step) =>
      seriesOf(
        await api("query_range", {
          query,
          start: String(since),
          end: String(Date.now() / 1_000),
          step: String(step),
        }),
      ),
    values: (metric, label) => api(`label/${label}/values`, { "match[]": metric }),
    alerts: async () => (await api<{ alerts: FiringAlert[] }>("alerts")).alerts,
    async close() {
      child.kill("SIGTERM");
      await ended;
    },
  };
  return prometheus;
}

type Sample = readonly [at: number, value: string];

interface QueryData {
  readonly resultType: "vector" | "matrix" | "scalar";
  readonly result: readonly { metric: Record<string, string>; value?: Sample; values?: readonly Sample[] }[] | Sample;
}

function seriesOf({ resultType, result }: QueryData): Series[] {
  if (resultType === "scalar") return [{ metric: {}, samples: [Number((result as Sample)[1])] }];
  return (result as Exclude<QueryData["result"], Sample>).map(({ metric, value, values }) => ({
    metric,
    samples: (values ?? (value ? [value] : [])).map(([, text]) => Number(text)),
  }));
}

/** A port of loopback that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
