/**
 * `grpc-websockets`: what @improbable-eng/grpc-web's WebSocket transport and its relatives speak. All frames are binary. From the client
 * first the header fields as lines `name: value\r\n`; then 0x00 and a piece of the gRPC request body; 0x01 alone is the half-close.
 * From us gRPC-Web's body, a frame with flag 0x80 for the head and another for the trailers.
 *
 * The trap: that client takes the first 0x80 frame for the head. A failure before the head is one frame that is both.
 */
import { Buffer } from "node:buffer";
import { CallError } from "../../core/call-error.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import type { Status } from "../../core/status.ts";
import type { Catalogue } from "../protocol.ts";
import { compressedFlag, envelopeBytes, envelopePrefix, EnvelopeReader } from "../shared/envelope.ts";
import { grpcTrailers } from "../shared/grpc-status.ts";
import { payloadOf } from "../shared/message-body.ts";
import { trailerFrame } from "../shared/trailer-frame.ts";
import { CloseCode } from "./close-codes.ts";
import type { Dialect, FrameReader, FrameWriter } from "./dialect.ts";
import type { MessageBinding } from "./message-binding.ts";
import { unsupportedFrame } from "./unsupported-frame.ts";

const bodySignal = 0;
const halfCloseSignal = 1;
const contentType: readonly string[] = ["content-type", "application/grpc-web+proto"];

export class GrpcFrames implements Dialect {
  readonly beginsWithFrame = true;
  private readonly binding: MessageBinding;
  private readonly catalogue: Catalogue;
  private readonly body: EnvelopeReader;
  private encoding: string | undefined = undefined;
  private headRead = false;
  private headWritten = false;

  constructor(binding: MessageBinding, catalogue: Catalogue, messageBytes: number) {
    this.binding = binding;
    this.catalogue = catalogue;
    this.body = new EnvelopeReader(messageBytes, "caller");
  }

  emptyMessage(): undefined {
    return undefined;
  }

  read(data: Buffer, binary: boolean, reader: FrameReader): void {
    if (!binary) throw unsupportedFrame("binary");
    if (!this.headRead) {
      this.headRead = true;
      this.readHead(data.toString("latin1"), reader);
      return;
    }
    if (data[0] === bodySignal) this.readBody(data.subarray(1), reader);
    else if (data[0] === halfCloseSignal && data.length === 1) {
      if (this.body.pendingBytes > 0) throw broken("the request ended in the middle of a message");
      reader.onHalfClose();
    } else throw broken("a frame begins with 0x00 or is 0x01");
  }

  writeHead(metadata: Metadata, writer: FrameWriter): void {
    this.headWritten = true;
    writer.send(trailerFrame([...contentType, ...metadata.flat]), true, false);
  }

  writeMessage(payload: Payload, writer: FrameWriter): number {
    const message = payload.wireView();
    const frame = Buffer.allocUnsafe(envelopeBytes + message.length);
    frame.set(envelopePrefix(0, message.length));
    frame.set(message, envelopeBytes);
    writer.send(frame, true, true);
    return frame.length;
  }

  writeEnd(status: Status, writer: FrameWriter): number {
    const trailers = grpcTrailers(status, this.catalogue.plainErrors);
    writer.send(trailerFrame(this.headWritten ? trailers : [...contentType, ...trailers]), true, false);
    return CloseCode.normal;
  }

  private readHead(text: string, reader: FrameReader): void {
    for (const line of text.split("\r\n")) {
      if (line === "") continue;
      const colon = line.indexOf(":");
      if (colon <= 0) throw broken("the first frame is not a list of header fields");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      if (name === "grpc-encoding") this.encoding = value === "identity" ? undefined : value;
      else reader.onMetadata(name, value);
    }
    reader.onMetadataEnd();
  }

  private readBody(bytes: Buffer, reader: FrameReader): void {
    const { method } = this.binding;
    this.body.push(bytes);
    for (let envelope = this.body.take(); envelope !== undefined; envelope = this.body.take()) {
      const payload = payloadOf(method.input, envelope, this.encoding, this.catalogue.messageBytes, "caller");
      const opened = envelope.flags === compressedFlag ? payload.wire() : envelope.bytes;
      reader.onMessage(this.binding.ofWire(opened), envelopeBytes + envelope.bytes.length);
    }
  }
}

function broken(message: string): CallError {
  return new CallError("INVALID_FRAMING", message, { source: "caller" });
}
