/** A faster way to do what some exports of one of GramJS's modules do. */
export interface Patch<Exports extends object = object> {
  /** For logs. */
  readonly name: string;
  readonly module: string;
  make(original: Exports): Exports;
  /** Whether both did the same with one random input. */
  agrees(ours: Exports, theirs: Exports): boolean;
}
