/**
 * `google.api.HttpBody` (google/api/httpbody.proto) by hand: a body that is not JSON, with its content type.
 *
 * The trap: `extensions` (field 3) has no place in HTTP. It is dropped on the way out and never set on the way in.
 */
import { CodecError } from "../../core/message-type.ts";
import { noteOutsideMemory } from "../../core/outside-memory.ts";
import { writeUint32 } from "../codec/wire-write.ts";
import type { ValueType } from "../descriptor.ts";
import { ProtoReader } from "../files/proto-reader.ts";
import { SchemaError } from "../files/schema-error.ts";

export interface HttpBody {
  /** "" when none was given. */
  readonly contentType: string;
  readonly data: Uint8Array;
}

const typeName = "google.api.HttpBody";
const emptyBody: HttpBody = Object.freeze({ contentType: "", data: new Uint8Array(0) });

export function isHttpBody(value: ValueType): boolean {
  return value.kind === "message" && value.message.name === typeName;
}

/** The message's bytes. */
export function encodeHttpBody({ contentType, data }: HttpBody): Uint8Array {
  const type = Buffer.from(contentType, "latin1");
  const bytes = Buffer.allocUnsafe(type.length + data.length + 12);
  noteOutsideMemory(bytes.length);
  let at = 0;
  if (type.length > 0) {
    bytes[at++] = 0x0a;
    at = writeUint32(bytes, type.length, at);
    bytes.set(type, at);
    at += type.length;
  }
  if (data.length > 0) {
    bytes[at++] = 0x12;
    at = writeUint32(bytes, data.length, at);
    bytes.set(data, at);
    at += data.length;
  }
  return bytes.subarray(0, at);
}

/**
 * Reads the message, or the one in field `within` of another message.
 * @returns `data` is a view of `wire`
 * @throws CodecError
 */
export function decodeHttpBody(wire: Uint8Array, within?: number): HttpBody {
  try {
    if (within === undefined) return read(new ProtoReader(wire), emptyBody);
    let body = emptyBody;
    const outer = new ProtoReader(wire);
    while (outer.next()) {
      // Occurrences of one message field are merged (protobuf encoding guide, "Last One Wins").
      if (outer.field === within && outer.wireType === 2) body = read(outer.message(), body);
      else outer.skip();
    }
    return body;
  } catch (error) {
    if (error instanceof SchemaError) throw new CodecError(error.message, "", 0);
    throw error;
  }
}

function read(reader: ProtoReader, before: HttpBody): HttpBody {
  let { contentType, data } = before;
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === 2) contentType = reader.string();
    else if (reader.field === 2 && reader.wireType === 2) data = reader.view();
    else reader.skip();
  }
  return { contentType, data };
}
