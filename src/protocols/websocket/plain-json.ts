/**
 * Plain JSON, for clients without a library: a text frame is a message, an empty one the half-close. An error is `{"error": google.rpc.Status}`
 * and the close code 4000 + gRPC code; metadata and trailers have no place.
 *
 * The trap: where the method's messages are google.api.HttpBody frames are raw, text or binary, and an empty one is an empty message:
 * there is no half-close then.
 */
import { Buffer, isUtf8 } from "node:buffer";
import { Code } from "../../core/code.ts";
import type { Payload } from "../../core/payload.ts";
import type { Status } from "../../core/status.ts";
import type { Catalogue } from "../protocol.ts";
import { errorJson, errorOfStatus } from "../shared/error-json.ts";
import { closeCodeOfStatus } from "./close-codes.ts";
import type { Dialect, FrameReader, FrameWriter } from "./dialect.ts";
import type { MessageBinding } from "./message-binding.ts";
import { unsupportedFrame } from "./unsupported-frame.ts";

const textType = "text/plain; charset=utf-8";
const binaryType = "application/octet-stream";
const isText = /^(text\/|application\/(json|[\w.+-]+\+json|xml)\b)/i;
/** Content that has been compressed already. */
const isCompressed = /^(image\/(?!svg|bmp)|audio\/|video\/|font\/woff|application\/(zip|gzip|zstd|x-7z-compressed|pdf))/i;

export class PlainJson implements Dialect {
  readonly beginsWithFrame = false;
  private readonly binding: MessageBinding;
  private readonly catalogue: Catalogue;

  constructor(binding: MessageBinding, catalogue: Catalogue) {
    this.binding = binding;
    this.catalogue = catalogue;
  }

  emptyMessage(): Payload {
    return this.binding.ofJson(Buffer.alloc(0));
  }

  read(data: Buffer, binary: boolean, reader: FrameReader): void {
    const { binding } = this;
    if (binding.rawRequest) reader.onMessage(binding.ofRaw({ contentType: binary ? binaryType : textType, data }), data.length);
    else if (binary) throw unsupportedFrame("text");
    else if (data.length === 0) reader.onHalfClose();
    else reader.onMessage(binding.ofJson(data), data.length);
  }

  writeHead(): void {
    // no place for it
  }

  writeMessage(payload: Payload, writer: FrameWriter): number {
    if (this.binding.rawResponse) {
      const { contentType, data } = this.binding.raw(payload);
      writer.send(data, !(isText.test(contentType) && isUtf8(data)), !isCompressed.test(contentType));
      return data.length;
    }
    const json = this.binding.json(payload);
    writer.send(json, false, true);
    return json.length;
  }

  writeEnd(status: Status, writer: FrameWriter): number {
    if (status.code !== Code.OK) writer.send(Buffer.from(`{"error":${errorJson(errorOfStatus(status), this.catalogue)}}`), false, true);
    return closeCodeOfStatus(status.code);
  }
}
