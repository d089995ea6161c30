/** Calls by method that the second count has more than the first. */
export function callsBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Map<string, number> {
  const more = Object.entries(after).map(([method, calls]) => [method, calls - (before[method] ?? 0)] as const);
  return new Map(more.filter(([, calls]) => calls > 0));
}

export function describeCalls(calls: ReadonlyMap<string, number>): string {
  return [...calls].map(([method, count]) => `${count} × ${method}`).join(", ") || "no call";
}
