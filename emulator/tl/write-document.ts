import type { WorldMedia } from "../world/model.ts";
import type { TlWriter } from "./primitives.ts";
import { FILES_DC, fileHash, fileReference, writePhotoSize } from "./write-photo.ts";

type DocumentMedia = Extract<WorldMedia, { kind: "document" }>;
type Attribute = (writer: TlWriter) => void;

/** Writes a `document` with the attributes by which clients tell a video from a file (core.telegram.org/api/files). */
export function writeDocument(media: DocumentMedia, date: number, writer: TlWriter): void {
  writer.int(0x8fd4c4d8).int(media.thumbnailSize === null ? 0 : 1 << 0);
  writer.long(media.id).long(fileHash(media.id)).bytes(fileReference(media.id)).int(date);
  writer.bytes(media.mime).long(BigInt(media.size));
  if (media.thumbnailSize !== null) {
    writer.vector([{ type: "m", width: 320, height: 320, size: media.thumbnailSize }], writePhotoSize);
  }
  writer.int(FILES_DC);
  writer.vector(attributes(media), (attribute) => attribute(writer));
}

function attributes(media: DocumentMedia): Attribute[] {
  const list: Attribute[] = [];
  switch (media.as) {
    case "video":
    case "round_video":
      list.push(video(media));
      break;
    case "animation":
      if (media.duration !== null) list.push(video(media));
      else if (media.width !== null) list.push(imageSize(media));
      list.push((writer) => writer.int(0x11b58939));
      break;
    case "audio":
    case "voice":
      list.push(audio(media));
      break;
    case "sticker":
      if (media.duration !== null) list.push(video(media));
      else if (media.width !== null) list.push(imageSize(media));
      list.push((writer) =>
        writer
          .int(0x6319d612)
          .int(0)
          .bytes(media.stickerEmoji ?? "")
          .int(0xffb62b95),
      );
      break;
    case "file":
      if (media.width !== null) list.push(imageSize(media));
      break;
  }
  const { fileName } = media;
  if (fileName !== null) list.push((writer) => writer.int(0x15590068).bytes(fileName));
  return list;
}

const video =
  (media: DocumentMedia): Attribute =>
  (writer) =>
    writer
      .int(0x43c57c48)
      .int(media.as === "round_video" ? 1 << 0 : 1 << 1)
      .double(media.duration ?? 0)
      .int(media.width ?? 0)
      .int(media.height ?? 0);

const imageSize =
  (media: DocumentMedia): Attribute =>
  (writer) =>
    writer
      .int(0x6c37c15c)
      .int(media.width ?? 0)
      .int(media.height ?? 0);

const audio =
  (media: DocumentMedia): Attribute =>
  (writer) => {
    const isVoice = media.as === "voice" ? 1 << 10 : 0;
    writer.int(0x9852f9c6).int(isVoice | (media.title === null ? 0 : 1 << 0) | (media.performer === null ? 0 : 1 << 1));
    writer.int(Math.round(media.duration ?? 0));
    if (media.title !== null) writer.bytes(media.title);
    if (media.performer !== null) writer.bytes(media.performer);
  };
