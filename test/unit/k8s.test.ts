import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { COMMANDS } from "../../cli/commands.ts";
import { VARIABLES } from "../../config/variables.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import {
  type Manifest,
  type ManifestOf,
  manifestsOf,
  podBreaches,
  podOf,
  readManifests,
  schemaProblems,
} from "../support/k8s.ts";

const folder = fileURLToPath(new URL("../../deploy/k8s", import.meta.url));
const manifests = readManifests(folder);
type Kind = Parameters<typeof manifestsOf>[0];
const ofKind = <K extends Kind>(kind: K) => manifestsOf(kind, manifests);
const named = <K extends Kind>(kind: K, name: string) =>
  ofKind(kind).find(({ metadata }) => metadata.name === name) ?? expect.fail(`no ${kind} ${name}`);
const withPods = [...ofKind("Deployment"), ...ofKind("Job")];
const titleOf = ({ file, kind, metadata }: Manifest) => `${file}: ${kind} ${metadata.name}`;

test.each(manifests.map((manifest) => [titleOf(manifest), manifest] as const))(
  "%s is as its schema says",
  async (_, manifest) => {
    expect(schemaProblems(manifest)).toEqual([]);
  },
);

test.each(withPods.map((manifest) => [titleOf(manifest), manifest] as const))(
  "%s keeps the rules for pods",
  (_, manifest) => {
    expect(podBreaches(manifest)).toEqual([]);
  },
);

test("a field that is misspelt, of a wrong kind, or missing is heard of", () => {
  const misspelt = structuredClone(named("Deployment", "worker"));
  Object.assign(misspelt.spec.template.spec.containers[0] ?? {}, { readynessProbe: {} });
  expect(schemaProblems(misspelt)).toEqual(["/spec/template/spec/containers/0/readynessProbe is not known"]);
  const wrong = structuredClone(named("Deployment", "api"));
  Object.assign(wrong.spec, { replicas: "two" });
  expect(schemaProblems(wrong).join()).toContain("/spec/replicas");
  const { scaleTargetRef: _, ...spec } = named("ScaledObject", "worker").spec;
  const missing = { ...named("ScaledObject", "worker"), spec };
  expect(schemaProblems(missing).join()).toContain("scaleTargetRef");
});

test("a pod that breaks a rule is heard of", () => {
  const bad: ManifestOf<"Deployment"> = structuredClone(named("Deployment", "worker"));
  const spec = bad.spec?.template.spec ?? expect.fail("no pod");
  const container = spec.containers[0] ?? expect.fail("no container");
  delete spec.securityContext;
  delete container.securityContext;
  delete container.resources;
  delete container.livenessProbe;
  delete spec.enableServiceLinks;
  delete spec.automountServiceAccountToken;
  delete spec.topologySpreadConstraints;
  spec.terminationGracePeriodSeconds = 30;
  spec.volumes?.push({ name: "host", hostPath: { path: "/" } });
  expect(podBreaches(bad)).toHaveLength(13);
});

describe("the manifests together", () => {
  test("are all applied, but the examples", () => {
    const { resources, namespace } = parse(readFileSync(join(folder, "kustomization.yaml"), "utf8")) as {
      resources: string[];
      namespace: string;
    };
    const files = readdirSync(folder).filter((name) => !/^kustomization\.|\.example\./.test(name));
    expect(resources.toSorted()).toEqual(files.sort());
    for (const { kind, metadata } of manifests) if (kind !== "Namespace") expect(metadata.namespace).toBe(namespace);
  });

  test("set variables that there are, and hold no secret", () => {
    const { data } = named("ConfigMap", "gramfleet");
    const secrets = ofKind("Secret");
    expect(secrets.map(({ file }) => file)).toEqual(["secret.example.yaml"]);
    const empty = secrets[0]?.stringData ?? {};
    expect(new Set(Object.values(empty))).toEqual(new Set([""]));
    expect([...Object.keys(data), ...Object.keys(empty)].filter((name) => !(name in VARIABLES))).toEqual([]);
    expect(Object.keys(data).filter((name) => name in empty)).toEqual([]);
    expect(data).toMatchObject({
      NODE_ENV: "production",
      METRICS_HOST: "0.0.0.0",
      API_HOST: "0.0.0.0",
      BOT_HOST: "0.0.0.0",
    });
  });

  test("run commands that there are, on the ports that they are told", () => {
    const { data } = named("ConfigMap", "gramfleet");
    const ports: Record<string, string | undefined> = { metrics: data.METRICS_PORT };
    for (const manifest of withPods) {
      const container = podOf(manifest).spec.containers[0] ?? expect.fail("no container");
      expect(Object.keys(COMMANDS)).toContain(container.args[0]);
      ports.http = manifest.metadata.name === "api" ? data.API_PORT : data.BOT_PORT;
      for (const { name, containerPort } of container.ports ?? [])
        expect(String(containerPort), name).toBe(ports[name]);
    }
    for (const { metadata, spec } of ofKind("Service"))
      expect(String(spec.ports[0]?.port)).toBe(metadata.name === "api" ? data.API_PORT : data.BOT_PORT);
  });

  test("select the pods that there are, and guard each Deployment from disruption", () => {
    const pods = withPods.map((manifest) => podOf(manifest).metadata.labels);
    const selectors = [
      ...ofKind("Deployment").map(({ spec }) => spec.selector.matchLabels),
      ...ofKind("PodDisruptionBudget").map(({ spec }) => spec.selector.matchLabels),
      ...ofKind("Service").map(({ spec }) => spec.selector),
    ];
    for (const selector of selectors)
      expect(
        pods.filter((labels) => Object.entries(selector).every(([name, value]) => labels[name] === value)),
      ).toHaveLength(1);
    const names = (kind: "Deployment" | "PodDisruptionBudget") =>
      ofKind(kind)
        .map(({ metadata }) => metadata.name)
        .sort();
    expect(names("PodDisruptionBudget")).toEqual(names("Deployment"));
  });

  test("let nobody reach anybody but where it is said", () => {
    expect(named("NetworkPolicy", "default-deny").spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
    const policies = ofKind("NetworkPolicy").filter(({ metadata }) => metadata.name !== "default-deny");
    const rules = policies.flatMap(({ spec }) => [
      ...(spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })),
      ...(spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports })),
    ]);
    for (const { peers, ports } of rules) {
      expect(peers.length).toBeGreaterThan(0);
      expect(ports.length).toBeGreaterThan(0);
      for (const { ipBlock } of peers) expect(ipBlock?.cidr ?? "").not.toMatch(/\/0$/);
    }
    const components = ofKind("Deployment").map(({ metadata }) => metadata.name);
    for (const { spec } of policies)
      for (const { values } of spec.podSelector.matchExpressions ?? [])
        expect(components).toEqual(expect.arrayContaining(values));
    // Whom Telegram answers: the addresses that GramJS begins with are among what is allowed.
    const { egress } = named("NetworkPolicy", "to-telegram").spec;
    const allowed = (egress[0]?.to ?? []).map(({ ipBlock }) => ipBlock.cidr);
    const known =
      readFileSync(join(folder, "../../telegram/gramjs/addresses.ts"), "utf8").match(/\d+\.\d+\.\d+\.\d+/g) ?? [];
    expect(known.length).toBeGreaterThan(4);
    for (const address of known)
      expect(
        allowed.some((cidr) => contains(cidr, address)),
        address,
      ).toBe(true);
  });

  test("scale workers by a metric that there is, in the states that it has", async () => {
    const { spec } = named("ScaledObject", "worker");
    expect(named("Deployment", spec.scaleTargetRef.name).spec.replicas).toBeUndefined();
    const query = spec.triggers[0]?.metadata.query ?? "";
    const text = await createMetrics().registry.metrics();
    const used = [...query.matchAll(/([a-z_]+)\{state="(\w+)"\}/g)];
    expect(used.length).toBe(2);
    for (const [, name] of used) expect(text).toContain(`# TYPE ${name} gauge`);
  });
});

function contains(cidr: string, address: string): boolean {
  const [network = "", bits = ""] = cidr.split("/");
  const number = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  if (network.includes(":")) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(network) / size) === Math.floor(number(address) / size);
}
