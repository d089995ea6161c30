import { parse } from "yaml";
import { composeModel } from "./compose-model.ts";

/** What of a compose file its rules look at (docs.docker.com/reference/compose-file). */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

export interface ComposeService {
  readonly image?: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: readonly { readonly path: string }[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly network_mode?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly stop_grace_period?: string;
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> } };
}

export function readCompose(text: string): ComposeFile {
  return parse(text, { merge: true }) as ComposeFile;
}

/** Where a file is not as Compose's model has it. */
export function modelErrors(file: ComposeFile): string[] {
  const { error } = composeModel.safeParse(file);
  const unknown = Object.keys(file).filter((key) => !(key in composeModel.shape) && !key.startsWith("x-"));
  return [
    ...unknown.map((key) => `/${key} is not known`),
    ...(error?.issues ?? []).map(({ path, message }) => `/${path.join("/")} ${message}`),
  ];
}

/** Seconds of a duration such as 1m30s. */
export function secondsOf(duration: string): number {
  const units: Record<string, number> = { h: 3600, m: 60, s: 1 };
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
}

/** What each service must have, so that whoever gets into one gets no further, and a stop is heard. */
export function composeBreaches({ services, networks, volumes, secrets }: ComposeFile): string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const found: string[] = [];
    const must = (kept: boolean, what: string) => kept || found.push(`${name}: ${what}`);
    const image = (service.image ?? "").replace(/^\$\{\w+:-(.*)\}$/, "$1");
    must(/^[\w./-]+:v?\d+\.\d+/.test(image), "its image is not pinned");
    must(service.read_only === true, "its file system can be written");
    must(!service.privileged && !service.network_mode, "it is privileged, or on the host's network");
    must(service.cap_drop?.includes("ALL") ?? false, "it keeps capabilities");
    must(service.security_opt?.includes("no-new-privileges:true") ?? false, "it may gain privileges");
    for (const limit of ["cpus", "memory", "pids"])
      must(service.deploy?.resources?.limits?.[limit] !== undefined, `it has no limit of ${limit}`);
    must(Boolean(service.healthcheck?.test) || service.healthcheck?.disable === true, "nobody asks whether it is well");
    must(secondsOf(service.stop_grace_period ?? "") >= 30, "it is killed too soon");
    must((service.networks?.length ?? 0) > 0, "it is on the default network");
    must(!service.volumes?.some((volume) => volume.includes("docker.sock")), "it has Docker's socket");
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {}))
      must(other in services && condition !== "service_started", `it does not wait until ${other} works`);
    for (const each of service.networks ?? []) must(each in networks, `there is no network ${each}`);
    for (const each of service.secrets ?? []) must(each in secrets, `there is no secret ${each}`);
    for (const volume of service.volumes ?? []) {
      const source = volume.split(":")[0] ?? "";
      must(
        source.startsWith(".") ? volume.endsWith(":ro") : source in volumes,
        `the volume ${volume} is not there, or can be written`,
      );
    }
    return found;
  });
}
