import type { WorldMedia } from "../world/model.ts";
import type { TlWriter } from "./primitives.ts";
import { writeDocument } from "./write-document.ts";
import { writePhoto } from "./write-photo.ts";

type Media<K extends WorldMedia["kind"]> = Extract<WorldMedia, { kind: K }>;

/** Writes a `MessageMedia`; `date` is the message's, for files carry one and the world keeps none of their own. */
export function writeMedia(media: WorldMedia, date: number, writer: TlWriter): void {
  switch (media.kind) {
    case "photo":
      writer.int(0x695150d7).int((1 << 0) | (media.spoiler ? 1 << 3 : 0));
      writePhoto(media, date, writer);
      return;
    case "document":
      writer.int(0x52d8ccd9).int(documentFlags(media));
      writeDocument(media, date, writer);
      return;
    case "poll":
      writePoll(media, writer);
      return;
    case "web_page":
      writeWebPage(media, writer);
      return;
    case "geo":
      writeGeo(media, writer);
      return;
    case "contact":
      writer.int(0x70322949).bytes(media.phone).bytes(media.firstName).bytes(media.lastName).bytes("").long(0n);
      return;
    case "dice":
      writer.int(0x3f7ee58b).int(media.value).bytes(media.emoji);
      return;
    case "unsupported":
      writer.int(0x9f84f49e);
      return;
  }
}

function documentFlags(media: Media<"document">): number {
  const kind = media.as === "video" ? 1 << 6 : media.as === "round_video" ? 1 << 7 : media.as === "voice" ? 1 << 8 : 0;
  return (1 << 0) | kind | (media.spoiler ? 1 << 4 : 0);
}

/** The `option` of an answer is opaque to clients: here its place, one byte. */
const option = (index: number) => Buffer.of(index);

function writePoll(media: Media<"poll">, writer: TlWriter): void {
  writer.int(0x4bd6e798);
  writer.int(0x58747131).long(media.id);
  writer.int(
    (media.closed ? 1 << 0 : 0) |
      (media.publicVoters ? 1 << 1 : 0) |
      (media.multiple ? 1 << 2 : 0) |
      (media.quiz ? 1 << 3 : 0),
  );
  writePlainText(media.question, writer);
  const answers = media.answers.map((answer, index) => ({ ...answer, index }));
  writer.vector(answers, (answer) => {
    writer.int(0xff16e2ca);
    writePlainText(answer.text, writer);
    writer.bytes(option(answer.index));
  });
  writer.int(0x7adf2420).int((1 << 1) | (1 << 2));
  writer.vector(answers, (answer) => {
    writer.int(0x3b6ddad2).int(answer.chosen ? 1 << 0 : 0);
    writer.bytes(option(answer.index)).int(answer.voters);
  });
  writer.int(media.totalVoters);
}

function writePlainText(text: string, writer: TlWriter): void {
  writer
    .int(0x751f3146)
    .bytes(text)
    .vector([], () => {});
}

function writeWebPage(media: Media<"web_page">, writer: TlWriter): void {
  writer.int(0xddf10c3b).int(0);
  if (media.url === null) {
    writer.int(0x211a1788).int(0).long(0n);
    return;
  }
  writer.int(0xe89c45b2);
  writer.int(
    (media.siteName === null ? 0 : 1 << 1) |
      (media.title === null ? 0 : 1 << 2) |
      (media.description === null ? 0 : 1 << 3),
  );
  writer
    .long(0n)
    .bytes(media.url)
    .bytes(media.url.replace(/^https?:\/\//, ""))
    .int(0);
  if (media.siteName !== null) writer.bytes(media.siteName);
  if (media.title !== null) writer.bytes(media.title);
  if (media.description !== null) writer.bytes(media.description);
}

function writeGeo(media: Media<"geo">, writer: TlWriter): void {
  const isVenue = media.title !== null || media.address !== null;
  writer.int(isVenue ? 0x2ec0533f : 0x56e0d474);
  writer.int(0xb2a2f663).int(0).double(media.longitude).double(media.latitude).long(0n);
  if (isVenue)
    writer
      .bytes(media.title ?? "")
      .bytes(media.address ?? "")
      .bytes("")
      .bytes("")
      .bytes("");
}
