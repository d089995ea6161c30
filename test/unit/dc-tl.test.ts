import bigInt from "big-integer";
import fc from "fast-check";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { Api } from "telegram/tl/api.js";
import { serializeBytes } from "telegram/tl/generationHelpers.js";
import { expect, it } from "vitest";
import { unwrapRequest } from "../../emulator/dc/unwrap-request.ts";
import { TlReadError, TlReader, TlWriter } from "../../emulator/tl/primitives.ts";
import { readRequest, UnreadableRequestError } from "../../emulator/tl/read-request.ts";

it("writes bytes and strings as GramJS does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const written = new TlWriter(4).bytes(bytes).finish();
      expect(written).toEqual(serializeBytes(Buffer.from(bytes)));
      expect(Buffer.from(new TlReader(written).bytes())).toEqual(Buffer.from(bytes));
    }),
  );
  const long = "ж😀".repeat(9_000);
  expect(new BinaryReader(new TlWriter().bytes(long).finish()).tgReadString()).toBe(long);
  expect(new TlReader(new TlWriter().bytes(long).finish()).string()).toBe(long);
});

it("reads what it wrote", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      (int, long, double, bool, longs) => {
        const written = new TlWriter(1).int(int).long(long).double(double).bool(bool).longs(longs).finish();
        const reader = new TlReader(written);
        expect([reader.int(), reader.long(), reader.double(), reader.bool()]).toEqual([int, long, double, bool]);
        expect(reader.vector((item) => item.long())).toEqual(longs);
        expect(reader.left).toBe(0);
      },
    ),
  );
  expect(new TlReader(new TlWriter().long(2n ** 64n - 1n).finish()).long()).toBe(-1n);
});

it("reads nothing that is not there", () => {
  const short = (bytes: number[], read: (reader: TlReader) => unknown) =>
    expect(() => read(new TlReader(Buffer.from(bytes)))).toThrow(TlReadError);
  short([1, 2, 3], (reader) => reader.int());
  short([5, 1, 2], (reader) => reader.bytes());
  short([254, 255, 255, 255, 0], (reader) => reader.bytes());
  short([255, 0, 0, 0], (reader) => reader.bytes());
  short([0x15, 0xc4, 0xb5, 0x1c, 255, 255, 255, 127], (reader) => reader.vector((item) => item.int()));
  short([1, 0, 0, 0], (reader) => reader.bool());
});

const query = new Api.help.GetNearestDc();
const introduction = {
  apiId: 1234,
  deviceModel: "d",
  systemVersion: "s",
  appVersion: "a",
  systemLangCode: "en",
  langPack: "",
  langCode: "en",
};

it("takes off the wrappers that GramJS puts on", () => {
  const init = new Api.InitConnection({
    ...introduction,
    query: new Api.InvokeWithoutUpdates({ query }),
    proxy: new Api.InputClientProxy({ address: "localhost", port: 1 }),
    params: new Api.JsonObject({
      value: [
        new Api.JsonObjectValue({ key: "tz_offset", value: new Api.JsonNumber({ value: 3600 }) }),
        new Api.JsonObjectValue({
          key: "more",
          value: new Api.JsonArray({ value: [new Api.JsonNull(), new Api.JsonBool({ value: true })] }),
        }),
      ],
    }),
  });
  const body = new Api.InvokeWithLayer({ layer: 198, query: init }).getBytes();
  const unwrapped = unwrapRequest(body);
  expect(unwrapped).toMatchObject({ layer: 198, apiId: 1234, withoutUpdates: true, after: [] });
  expect(readRequest(unwrapped.query).className).toBe("help.GetNearestDc");
  const after = new Api.InvokeAfterMsg({ msgId: bigInt(77), query }).getBytes();
  expect(unwrapRequest(after)).toMatchObject({ layer: null, apiId: null, withoutUpdates: false, after: [77n] });
});

it("gives up on wrappers without end, and on what is no request", () => {
  const endless = Buffer.concat([
    ...Array.from({ length: 20 }, () => new TlWriter().int(0xbf9459b7).finish()),
    query.getBytes(),
  ]);
  expect(() => unwrapRequest(endless)).toThrow(TlReadError);
  expect(() => readRequest(Buffer.from("deadbeef", "hex"))).toThrow(UnreadableRequestError);
  expect(() => readRequest(new Api.InputPeerSelf().getBytes())).toThrow(UnreadableRequestError);
  expect(() => readRequest(Buffer.alloc(0))).toThrow(UnreadableRequestError);
});
