import { expect, it, vi } from "vitest";
import { answers } from "../../telegram/gramjs/answers.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { textMessage } from "../support/emulated-calls.ts";
import { startWireTelegram } from "../support/wire-telegram.ts";

/* The library has changed under our decoder: it says so, and GramJS reads. */

vi.mock("../../telegram/gramjs/codec/schema.ts", async (original) => {
  const real = await original<typeof import("../../telegram/gramjs/codec/schema.ts")>();
  return {
    ...real,
    gramJsSchema() {
      const schema = real.gramJsSchema();
      return {
        ...schema,
        /** Without what came with the last layer, as it may be: fields at the end. */
        constructorOf(id: number) {
          const definition = schema.constructorOf(id);
          return definition && { ...definition, fields: definition.fields.filter(({ name }) => name !== "pts") };
        },
      };
    },
  };
});

const ME = 6_000_000_001n;
const NEWS = 1_500_000_001n;

it("leaves out a decoder that differs, and goes on without it", async () => {
  const readByGramJs = answers.read;
  const telegram = await startWireTelegram();
  const person = { phone: "9996620001", firstName: "Ada", username: null, dcId: 2, premium: false, password: null };
  telegram.world.addUser({ id: ME, ...person });
  telegram.world.addChannel({ id: NEWS, title: "News", username: "news", megagroup: false, date: 1, isPrivate: false });
  telegram.world.post(NEWS, textMessage("still here"));
  const warn = vi.fn();
  const options = telegram.options(await telegram.planted(ME));
  const connection = await connect({ ...options, log: { ...options.log, warn } as never });
  try {
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ patch: "messages" }),
      "GramJS codec patch left out",
    );
    expect(answers.read).toBe(readByGramJs);
    const news = { id: NEWS, accessHash: telegram.access.channelHash(ME, NEWS) };
    const page = await connection.api.history(news, { offsetId: 0, limit: 100 });
    expect(page).toMatchObject({ pts: 2, messages: [{ id: 1, text: "still here" }] });
  } finally {
    await connection.close();
    await telegram.close();
  }
});
