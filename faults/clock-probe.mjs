// Loaded into a process under test (NODE_OPTIONS=--import=…/clock-probe.mjs?file=…): its wall clock is as many milliseconds
// off as the file says, and is set when the file changes. Plain Node, since the program that it goes into is compiled.
import { readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

const file = new URL(import.meta.url).searchParams.get("file");
const RightDate = Date;
let off = 0;

const read = () => {
  off = Number(readFileSync(file, "utf8"));
};
const now = () => RightDate.now() + off;

read();
watch(dirname(file), { persistent: false }, read);

globalThis.Date = new Proxy(RightDate, {
  construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  apply: () => new RightDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
