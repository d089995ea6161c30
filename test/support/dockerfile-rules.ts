import { type Dockerfile, envOf, execForm, type Instruction, type Stage } from "./dockerfile.ts";

const SECRET = /SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|_KEYS?$|HASH|_URL$/i;
/** A tag as exact as tags are (3.2.1-variant), or a digest. */
const PINNED = /^[\w./-]+(:\d+\.\d+\.\d+[\w.-]*)?(@sha256:[0-9a-f]{64})?$/;

/** What a linter for Dockerfiles would say of one, by the rules that concern us. */
export function dockerfileBreaches({ args, stages }: Dockerfile): string[] {
  const names = stages.map(({ name }) => name);
  const last = stages.at(-1);
  const found: string[] = [];
  if (!last) return ["there is no FROM"];
  for (const { base } of stages)
    if (!names.includes(base) && !(PINNED.test(base) && /[:@]/.test(base)))
      found.push(`${base} is not pinned to an exact version`);
  for (const name of Object.keys(args)) if (SECRET.test(name)) found.push(`${name} is a secret in an ARG`);
  for (const stage of stages) found.push(...stage.instructions.flatMap(instructionBreaches), ...orderBreaches(stage));
  return [...found, ...finalBreaches(last)];
}

function instructionBreaches(instruction: Instruction): string[] {
  const { name, value, line } = instruction;
  const at = `line ${line}`;
  if (name === "ADD") return [`${at}: COPY does it`];
  if (name === "MAINTAINER") return [`${at}: MAINTAINER is no more`];
  if (name === "WORKDIR" && !value.startsWith("/")) return [`${at}: WORKDIR is not absolute`];
  if (name === "ARG" && SECRET.test(value.split("=")[0] ?? "")) return [`${at}: a secret in an ARG`];
  if (name === "ENV")
    return Object.keys(envOf(instruction))
      .filter((each) => SECRET.test(each))
      .map((each) => `${at}: ${each} is a secret in an ENV`);
  if (name === "COPY" && value.split(/\s+/).length > 2 && !value.endsWith("/"))
    return [`${at}: several files are copied to what is no folder`];
  if (name !== "RUN") return [];
  const shell = /\bsudo\b|\|\s*(ba)?sh\b|\bchmod\s+(-R\s+)?777\b|(^|&&|;)\s*cd\s/.exec(value);
  const apt = /apt-get install/.test(value) && !/--no-install-recommends/.test(value);
  return [
    ...(shell ? [`${at}: ${shell[0].trim()} in a RUN`] : []),
    ...(apt ? [`${at}: apt-get without --no-install-recommends`] : []),
  ];
}

/** Libraries are installed before the sources are copied, or each change of them would install anew. */
function orderBreaches({ name, instructions }: Stage): string[] {
  const install = instructions.findIndex((each) => each.name === "RUN" && /\bnpm (ci|install)\b/.test(each.value));
  const sources = instructions.findIndex((each) => each.name === "COPY" && /^\.\s/.test(each.value));
  return install >= 0 && sources >= 0 && sources < install
    ? [`stage ${name} copies the sources before it installs`]
    : [];
}

function finalBreaches({ instructions }: Stage): string[] {
  const lastOf = (name: string) => instructions.filter((each) => each.name === name).at(-1);
  const found: string[] = [];
  const user = /^(\d+)(:\d+)?$/.exec(lastOf("USER")?.value ?? "")?.[1];
  if (user === undefined || user === "0") found.push("the last USER is not one by number, other than root");
  for (const name of ["ENTRYPOINT", "CMD"])
    if (!execForm(lastOf(name)?.value ?? "")) found.push(`${name} is not in exec form`);
  const health = lastOf("HEALTHCHECK")?.value ?? "";
  if (!execForm(health.replace(/^CMD\s+/, ""))) found.push("there is no HEALTHCHECK in exec form");
  if (instructions.some((each) => each.name === "RUN")) found.push("the last stage runs something: let another one");
  if (instructions.some((each) => each.name === "COPY" && /^\.\s/.test(each.value) && !each.flags.from))
    found.push("the last stage copies the whole context");
  return found;
}
