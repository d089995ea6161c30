// Loaded into a process under test (`--expose-gc --import …/heap-probe.mjs?file=…&everyMs=…`): says again and again what
// is left after a collection, a line of JSON each. Plain Node, since the program that it goes into is compiled.
import { appendFileSync } from "node:fs";

const { searchParams } = new URL(import.meta.url);
const file = searchParams.get("file");

setInterval(
  () => {
    globalThis.gc();
    const { heapUsed, rss } = process.memoryUsage();
    appendFileSync(file, `${JSON.stringify({ heapUsed, rss, handles: process.getActiveResourcesInfo().length })}\n`);
  },
  Number(searchParams.get("everyMs")),
).unref();
