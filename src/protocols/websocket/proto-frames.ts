/**
 * `dragoman.v1+proto`: every frame binary, one `dragoman.websocket.v1.Frame` (protos/dragoman/websocket/v1/frame.proto), by hand.
 *
 * The trap: a frame may hold several things. They are told in the order in which they make sense, not in that of the bytes.
 */
import { Buffer } from "node:buffer";
import { CallError } from "../../core/call-error.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import type { Status } from "../../core/status.ts";
import { ProtoReader } from "../../schema/files/proto-reader.ts";
import { SchemaError } from "../../schema/files/schema-error.ts";
import type { Catalogue } from "../protocol.ts";
import { detailsOf, encodeRpcStatus } from "../shared/rpc-status.ts";
import { CloseCode } from "./close-codes.ts";
import type { Dialect, FrameReader, FrameWriter } from "./dialect.ts";
import type { MessageBinding } from "./message-binding.ts";
import { unsupportedFrame } from "./unsupported-frame.ts";

const metadataField = 1;
const messageField = 2;
const endField = 3;
const cancelField = 4;
const statusField = 5;
const trailersField = 6;
const windowField = 7;

/** Tag and length of the message field. */
const longestHead = 6;

export class ProtoFrames implements Dialect {
  readonly beginsWithFrame = true;
  private readonly binding: MessageBinding;
  private readonly catalogue: Catalogue;

  constructor(binding: MessageBinding, catalogue: Catalogue) {
    this.binding = binding;
    this.catalogue = catalogue;
  }

  emptyMessage(): undefined {
    return undefined;
  }

  read(data: Buffer, binary: boolean, reader: FrameReader): void {
    if (!binary) throw unsupportedFrame("binary");
    const frame = readFrame(data);
    if (frame.metadata !== undefined) {
      readMetadata(frame.metadata, reader);
      reader.onMetadataEnd();
    }
    if (frame.window !== undefined) reader.onWindow(frame.window & 0x7fffffff);
    if (frame.message !== undefined) reader.onMessage(this.binding.ofWire(frame.message), frame.message.length);
    if (frame.end) reader.onHalfClose();
    if (frame.cancel) reader.onCancel();
  }

  writeHead(metadata: Metadata, writer: FrameWriter): void {
    writer.send(lengthDelimited(metadataField, metadataBytes(metadata)), true, false);
  }

  writeMessage(payload: Payload, writer: FrameWriter): number {
    const message = payload.wireView();
    const { length } = message;
    const frame = Buffer.allocUnsafe(longestHead + length);
    const at = writeHead(frame, messageField, length);
    frame.set(message, at);
    writer.send(frame.subarray(0, at + length), true, true);
    return length;
  }

  writeEnd({ code, message, error, trailers }: Status, writer: FrameWriter): number {
    const details = error === undefined ? [] : detailsOf(error, this.catalogue.plainErrors);
    const frame = lengthDelimited(statusField, encodeRpcStatus(code, message, details));
    writer.send(trailers.size === 0 ? frame : Buffer.concat([frame, lengthDelimited(trailersField, metadataBytes(trailers))]), true, true);
    return CloseCode.normal;
  }
}

interface ClientFrame {
  metadata: ProtoReader | undefined;
  message: Uint8Array | undefined;
  end: boolean;
  cancel: boolean;
  window: number | undefined;
}

/** @throws CallError */
function readFrame(data: Buffer): ClientFrame {
  const frame: ClientFrame = { metadata: undefined, message: undefined, end: false, cancel: false, window: undefined };
  try {
    const reader = new ProtoReader(data);
    while (reader.next()) {
      if (reader.field === metadataField) frame.metadata = reader.message();
      else if (reader.field === messageField) frame.message = reader.view();
      else if (reader.field === endField) frame.end = reader.bool();
      else if (reader.field === cancelField) frame.cancel = reader.bool();
      else if (reader.field === windowField) frame.window = reader.uint32();
      else reader.skip(); // a later version may say more
    }
    return frame;
  } catch (error) {
    throw unreadable(error);
  }
}

function readMetadata(fields: ProtoReader, to: FrameReader): void {
  while (next(fields)) {
    let name = "";
    let value = "";
    try {
      if (fields.field !== 1) {
        fields.skip();
        continue;
      }
      const field = fields.message();
      while (field.next()) {
        if (field.field === 1) name = field.string();
        else if (field.field === 2) value = field.string();
        else field.skip();
      }
    } catch (error) {
      throw unreadable(error);
    }
    to.onMetadata(name, value);
  }
}

function next(reader: ProtoReader): boolean {
  try {
    return reader.next();
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): unknown {
  if (!(error instanceof SchemaError)) return error;
  return new CallError("BAD_REQUEST", "the frame is not one dragoman.websocket.v1.Frame", { source: "caller", cause: error });
}

function metadataBytes(metadata: Metadata): Buffer {
  const fields: Buffer[] = [];
  for (const [name, value] of metadata)
    fields.push(lengthDelimited(1, Buffer.concat([lengthDelimited(1, Buffer.from(name)), lengthDelimited(2, Buffer.from(value))])));
  return Buffer.concat(fields);
}

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  const written = Buffer.allocUnsafe(longestHead + bytes.length);
  const at = writeHead(written, field, bytes.length);
  written.set(bytes, at);
  return written.subarray(0, at + bytes.length);
}

/** @returns where the bytes go */
function writeHead(into: Buffer, field: number, length: number): number {
  let at = 0;
  into[at++] = (field << 3) | 2;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80;
  into[at++] = rest;
  return at;
}
