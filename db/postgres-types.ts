import pg from "pg";

const INT8 = 20;
const INT8_ARRAY = 1016;

/** Telegram's 64-bit numbers arrive as bigint; everything else as `pg` reads it. Held by the connection, not global. */
export const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (format !== "binary" && oid === INT8) return BigInt;
    if (format !== "binary" && oid === INT8_ARRAY) return readBigIntArray;
    return pg.types.getTypeParser(oid, format);
  },
};

function readBigIntArray(text: string): bigint[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(BigInt);
}
