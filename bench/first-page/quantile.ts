/** The least value that `share` of the values do not exceed (nearest rank). @throws where there is none */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new Error("no quantile of nothing");
  return value;
}
