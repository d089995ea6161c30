import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { IScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IJob } from "kubernetes-models/batch/v1/Job";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import type { IConfigMap } from "kubernetes-models/v1/ConfigMap";
import type { ISecret } from "kubernetes-models/v1/Secret";
import type { IService } from "kubernetes-models/v1/Service";
import { parseAllDocuments } from "yaml";

const require = createRequire(import.meta.url);

/** A manifest, of which no more is known than that it is one. */
export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** What the schemas of some kinds say that a manifest of theirs holds. */
interface Kinds {
  readonly ConfigMap: IConfigMap;
  readonly Deployment: IDeployment;
  readonly Job: IJob;
  readonly NetworkPolicy: INetworkPolicy;
  readonly PodDisruptionBudget: IPodDisruptionBudget;
  readonly ScaledObject: IScaledObject;
  readonly Secret: ISecret;
  readonly Service: IService;
}

export type ManifestOf<Kind extends keyof Kinds> = Manifest & Kinds[Kind];

/** The same, with all that may be missing: where it is, whoever reads it fails. */
export type Whole<T> = T extends object ? { [Field in keyof T]-?: Whole<NonNullable<T[Field]>> } : T;

/** Those of one kind; that they are as its schema says is another test's. */
export const manifestsOf = <Kind extends keyof Kinds>(kind: Kind, manifests: readonly Manifest[]) =>
  manifests.filter((manifest): manifest is ManifestOf<Kind> => manifest.kind === kind) as Whole<ManifestOf<Kind>>[];

/** The manifests of a folder's files; kustomize's own file is none. */
export function readManifests(folder: string): Manifest[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml")
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => {
        if (document.errors[0]) throw document.errors[0];
        return { file, ...(document.toJS() as Omit<Manifest, "file">) } as Manifest;
      }),
    );
}

/** Checks compiled of a schema, by Ajv. */
interface Schema {
  readonly validate: {
    (data: unknown): boolean;
    readonly errors?:
      | readonly { readonly instancePath: string; readonly message?: string; readonly keyword: string }[]
      | null;
  };
}

/** What Kubernetes' and KEDA's own schemas say of a manifest, fields that they do not know among it. */
export function schemaProblems({ file: _, ...manifest }: Manifest): string[] {
  const { validate } = require(schemaOf(manifest)) as Schema;
  const read = new Set<string>();
  if (!validate(watched(manifest, "", read)))
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? JSON.stringify(error)}`);
  return pathsOf(manifest, "")
    .filter((path) => !read.has(path))
    .map((path) => `${path} is not known`);
}

/** Where the packages keep it, beside what they export: apps/v1 Deployment is IoK8sApiAppsV1Deployment. */
function schemaOf({ apiVersion, kind }: Pick<Manifest, "apiVersion" | "kind">): string {
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const keda = group === "keda.sh";
  const name = `${keda ? "KedaSh" : `IoK8sApi${capital(group.split(".")[0] ?? "")}`}${capital(version)}${kind}`;
  return join(
    dirname(require.resolve(keda ? "@kubernetes-models/keda" : "kubernetes-models")),
    "_schemas",
    `${name}.js`,
  );
}

/** The schemas refuse no field that they do not know; they only never look at it. So it is noted what they look at. */
function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const field: unknown = Reflect.get(target, key);
      if (typeof key === "symbol") return field;
      read.add(`${path}/${key}`);
      return typeof field === "function" ? field : watched(field, `${path}/${key}`, read);
    },
  });
}

function pathsOf(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => [`${path}/${key}`, ...pathsOf(field, `${path}/${key}`)]);
}

/** The pod that a Deployment or a Job makes. */
export const podOf = (manifest: Whole<WithPod>) => manifest.spec.template;

type WithPod = ManifestOf<"Deployment"> | ManifestOf<"Job">;

/** What every pod of ours must have. */
export function podBreaches(manifest: WithPod): string[] {
  const spec = manifest.spec?.template?.spec;
  const found: string[] = [];
  const must = (kept: unknown, what: string) =>
    kept || found.push(`${manifest.kind} ${manifest.metadata.name}: ${what}`);
  if (!spec) return [`${manifest.kind} ${manifest.metadata.name}: it makes no pod`];
  must(spec.automountServiceAccountToken === false, "it has the cluster's token");
  must(spec.enableServiceLinks === false, "Services set its variables");
  must((spec.terminationGracePeriodSeconds ?? 0) >= 45, "it is killed too soon");
  must(spec.securityContext?.runAsNonRoot === true && (spec.securityContext.runAsUser ?? 0) > 0, "it may be root");
  must(spec.securityContext?.seccompProfile?.type === "RuntimeDefault", "it may make any system call");
  must(!spec.hostNetwork && !spec.hostPID && !spec.hostIPC, "it sees its host");
  for (const { name, hostPath } of spec.volumes ?? []) must(!hostPath, `the volume ${name} is its host's`);
  for (const container of spec.containers) {
    const own = container.securityContext ?? {};
    must(own.readOnlyRootFilesystem === true, "its file system can be written");
    must(own.allowPrivilegeEscalation === false && !own.privileged, "it may gain privileges");
    must(own.capabilities?.drop?.includes("ALL") && !own.capabilities.add, "it keeps capabilities");
    must(container.resources?.requests?.cpu && container.resources.requests.memory, "it asks for no resources");
    must(container.resources?.limits?.memory, "its memory has no limit");
    must(!container.env?.some((each) => each.value), "it has variables of its own");
    if (manifest.kind !== "Deployment") continue;
    for (const [probe, path] of [
      ["startupProbe", "/live"],
      ["livenessProbe", "/live"],
      ["readinessProbe", "/ready"],
    ] as const)
      must(
        container[probe]?.httpGet?.path === path && container[probe].httpGet.port === "metrics",
        `${probe} does not ask for ${path}`,
      );
  }
  if (manifest.kind === "Deployment") must(spec.topologySpreadConstraints?.length, "all of them may be on one node");
  return found;
}
