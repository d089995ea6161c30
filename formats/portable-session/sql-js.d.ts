/** What is used of sql.js, which comes without types of its own. With its WebAssembly inside, so that a build takes it along. */
declare module "sql.js/dist/sql-wasm-inline.js" {
  export type SqlValue = number | string | Uint8Array | null;

  export interface Database {
    /** Runs statements, and gives the rows of each that has any. */
    exec(sql: string): { columns: string[]; values: SqlValue[][] }[];
    export(): Uint8Array;
    close(): void;
  }

  interface SqlJs {
    readonly Database: new (bytes?: Uint8Array) => Database;
  }

  export default function initSqlJs(): Promise<SqlJs>;
}
