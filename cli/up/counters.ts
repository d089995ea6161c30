/** A process's counters as Prometheus text, read for the few that the live view shows. */

/** Sums a metric's samples over all labels, or over those that contain `label`. */
export function sumOf(text: string, name: string, label?: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(name)) continue;
    const next = line[name.length];
    if (next !== "{" && next !== " ") continue;
    if (label !== undefined && !line.includes(label)) continue;
    sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

/** Fetches `/metrics`; empty where the process does not answer. */
export async function fetchMetrics(port: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2_000) });
    return await response.text();
  } catch {
    return "";
  }
}
