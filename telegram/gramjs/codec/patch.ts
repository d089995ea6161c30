/** A faster way to do what some object of functions does. */
export interface Patch<Exports extends object = object> {
  /** For logs. */
  readonly name: string;
  make(original: Exports): Exports;
  /** Whether both did the same with one random input. */
  agrees(ours: Exports, theirs: Exports): boolean;
}

/** One of what a module of GramJS's exports. */
export interface ModulePatch<Exports extends object = object> extends Patch<Exports> {
  readonly module: string;
}
