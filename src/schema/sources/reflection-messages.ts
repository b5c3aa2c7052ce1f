/**
 * The messages of grpc.reflection.v1 and v1alpha, which are the same on the wire (protos/grpc/reflection/v1/reflection.proto).
 *
 * Two strings out, four fields in: by hand, so that start-up loads no protobuf library for it.
 */
import { ProtoReader } from "../files/proto-reader.ts";

/** Field numbers of ServerReflectionRequest.message_request. */
const requestFields = { fileByName: 3, fileOfSymbol: 4, listServices: 7 } as const;

export interface ReflectionRequest {
  readonly ask: keyof typeof requestFields;
  /** File name or symbol; anything for listServices. */
  readonly name: string;
}

export interface ReflectionResponse {
  /** Serialized FileDescriptorProtos. */
  readonly files: readonly Uint8Array[];
  readonly services: readonly string[];
  /** The server has no answer; `code` is a gRPC code. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
}

export function writeReflectionRequest({ ask, name }: ReflectionRequest): Uint8Array {
  const text = Buffer.from(name, "utf8");
  const head = [(requestFields[ask] << 3) | 2];
  let { length } = text;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  head.push(length);
  return Buffer.concat([Buffer.from(head), text]);
}

/** @throws SchemaError when the bytes are not protobuf. */
export function readReflectionResponse(bytes: Uint8Array): ReflectionResponse {
  const files: Uint8Array[] = [];
  const services: string[] = [];
  let error: ReflectionResponse["error"];
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 4) readFiles(reader.message(), files);
    else if (reader.field === 6) readServices(reader.message(), services);
    else if (reader.field === 7) error = readError(reader.message());
    else reader.skip();
  }
  return { files, services, error };
}

function readFiles(reader: ProtoReader, into: Uint8Array[]): void {
  while (reader.next()) {
    if (reader.field === 1) into.push(reader.view());
    else reader.skip();
  }
}

function readServices(reader: ProtoReader, into: string[]): void {
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const service = reader.message();
    while (service.next()) {
      if (service.field === 1) into.push(service.string());
      else service.skip();
    }
  }
}

function readError(reader: ProtoReader): { code: number; message: string } {
  let code = 0;
  let message = "";
  while (reader.next()) {
    if (reader.field === 1) code = reader.int32();
    else if (reader.field === 2) message = reader.string();
    else reader.skip();
  }
  return { code, message };
}
