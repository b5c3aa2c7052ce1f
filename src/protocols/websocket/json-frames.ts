/**
 * `dragoman.v1+json`: every frame a JSON object. From the client `{"metadata":{}}` (at most once, first), `{"message":{}}`, `{"end":true}`,
 * `{"cancel":true}`, `{"window":32}`; from us `{"metadata":{}}`, `{"message":{}}` and last `{"status":{code,message,details},"trailers":{}}`.
 *
 * The trap: `{"message":…}` is by far the commonest frame and is taken apart without looking for its end, where no other member can be in
 * it: the message is what stands between, and what is wrong with it shows where it is converted.
 */
import { Buffer } from "node:buffer";
import { CallError } from "../../core/call-error.ts";
import { Code } from "../../core/code.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import type { Status } from "../../core/status.ts";
import type { Catalogue } from "../protocol.ts";
import { errorJson, errorOfStatus } from "../shared/error-json.ts";
import { CloseCode } from "./close-codes.ts";
import type { Dialect, FrameReader, FrameWriter } from "./dialect.ts";
import { jsonMembers, type JsonMember } from "./json-members.ts";
import type { MessageBinding } from "./message-binding.ts";
import { unsupportedFrame } from "./unsupported-frame.ts";

const messageHead = Buffer.from('{"message":');
const endTail = Buffer.from(',"end":true}');
const closeBrace = 0x7d;
const okStatus = '{"code":0,"message":"","details":[]}';

export class JsonFrames implements Dialect {
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
    if (binary) throw unsupportedFrame("text");
    const last = data.length - 1;
    const ends = data.length > messageHead.length + endTail.length && data.subarray(-endTail.length).equals(endTail);
    if (data[last] !== closeBrace || !startsWith(data, messageHead) || mayHoldMore(data, ends)) {
      this.readMembers(jsonMembers(data), reader);
      return;
    }
    const message = data.subarray(messageHead.length, ends ? data.length - endTail.length : last);
    this.readMessage(message, reader);
    if (ends) reader.onHalfClose();
  }

  writeHead(metadata: Metadata, writer: FrameWriter): void {
    writer.send(Buffer.from(`{"metadata":${metadataJson(metadata)}}`), false, false);
  }

  writeMessage(payload: Payload, writer: FrameWriter): number {
    const json = this.binding.json(payload);
    const frame = Buffer.allocUnsafe(messageHead.length + json.length + 1);
    frame.set(messageHead);
    frame.set(json, messageHead.length);
    frame[frame.length - 1] = closeBrace;
    writer.send(frame, false, true);
    return json.length;
  }

  writeEnd(status: Status, writer: FrameWriter): number {
    const said = status.code === Code.OK ? okStatus : errorJson(errorOfStatus(status), this.catalogue);
    writer.send(Buffer.from(`{"status":${said},"trailers":${metadataJson(status.trailers)}}`), false, true);
    return CloseCode.normal;
  }

  private readMembers(members: readonly JsonMember[], reader: FrameReader): void {
    if (members.length === 0) throw malformed("the frame says nothing");
    for (const { name, value } of members) {
      switch (name) {
        case "metadata":
          readMetadata(value, reader);
          break;
        case "message":
          this.readMessage(value, reader);
          break;
        case "end":
          if (isTrue(name, value)) reader.onHalfClose();
          break;
        case "cancel":
          if (isTrue(name, value)) reader.onCancel();
          break;
        case "window":
          reader.onWindow(readWindow(value));
          break;
        default:
          throw malformed(`unknown member ${JSON.stringify(name.slice(0, 64))}: a frame holds metadata, message, end, cancel or window`);
      }
    }
  }

  private readMessage(json: Buffer, reader: FrameReader): void {
    if (json.length === 0) throw malformed("the message is missing");
    reader.onMessage(this.binding.ofJson(json), json.length);
  }
}

/** @throws CallError */
function readMetadata(value: Buffer, reader: FrameReader): void {
  const fields = parsed(value);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw malformed("metadata must be an object");
  for (const [name, member] of Object.entries(fields)) {
    for (const each of Array.isArray(member) ? (member as unknown[]) : [member as unknown]) {
      if (typeof each !== "string") throw malformed(`metadata ${JSON.stringify(name.slice(0, 64))} must be a string or a list of strings`);
      reader.onMetadata(name, each);
    }
  }
  reader.onMetadataEnd();
}

function isTrue(name: string, value: Buffer): boolean {
  const said = parsed(value);
  if (typeof said !== "boolean") throw malformed(`${name} must be true`);
  return said;
}

function readWindow(value: Buffer): number {
  const messages = parsed(value);
  if (typeof messages !== "number" || !Number.isInteger(messages) || messages < 0 || messages > 0x7fffffff)
    throw malformed("window must be a number of messages");
  return messages;
}

function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString("utf8"));
  } catch (error) {
    throw malformed("the frame is not JSON", error);
  }
}

/** Values of a name that comes more than once stand in a list. */
function metadataJson(metadata: Metadata): string {
  if (metadata.size === 0) return "{}";
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of metadata) {
    const before = fields[name];
    fields[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return JSON.stringify(fields);
}

/** Whether a name of another member stands anywhere in it: then it takes a closer look to tell whether it is one. */
function mayHoldMore(data: Buffer, ends: boolean): boolean {
  if (!ends && data.includes('"end"')) return true;
  return data.includes('"window"') || data.includes('"metadata"') || data.includes('"cancel"');
}

function startsWith(data: Buffer, head: Buffer): boolean {
  return data.length > head.length && data.compare(head, 0, head.length, 0, head.length) === 0;
}

function malformed(message: string, cause?: unknown): CallError {
  return new CallError("BAD_REQUEST", message, { source: "caller", ...(cause === undefined ? {} : { cause }) });
}
