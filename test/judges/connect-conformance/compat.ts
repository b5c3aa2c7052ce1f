/**
 * What the conformance runner and its programs say to one another on standard input and output: messages of
 * connectrpc/conformance/v1, each behind its length in four bytes, big-endian (docs/testing_servers.md of connectrpc/conformance).
 *
 * DRAGOMAN_JUDGES names the folder with the runner's programs and its schema.
 */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMessage,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

export const judges = process.env["DRAGOMAN_JUDGES"] ?? "";
export const descriptorSet = join(judges, "conformance.binpb");

export interface ServerCompatRequest extends Message {
  protocol: number;
  httpVersion: number;
  useTls: boolean;
  clientTlsCert: Uint8Array;
  messageReceiveLimit: number;
  serverCreds?: { cert: Uint8Array; key: Uint8Array };
}

export interface ServerCompatResponse extends Message {
  host: string;
  port: number;
  pemCert: Uint8Array;
}

export interface ClientCompatRequest extends Message {
  httpVersion: number;
  protocol: number;
  codec: number;
  host: string;
  port: number;
  serverTlsCert: Uint8Array;
  clientTlsCreds?: { cert: Uint8Array; key: Uint8Array };
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)));

function schemaOf(name: string): DescMessage {
  const schema = registry.getMessage(`connectrpc.conformance.v1.${name}`);
  if (schema === undefined) throw new Error(`${descriptorSet} has no ${name}`);
  return schema;
}

export const serverRequest = schemaOf("ServerCompatRequest");
export const serverResponse = schemaOf("ServerCompatResponse");
export const clientRequest = schemaOf("ClientCompatRequest");

export function decode<T extends Message>(schema: DescMessage, bytes: Uint8Array): T {
  return fromBinary(schema, bytes) as T;
}

export function writeMessage(to: Writable, schema: DescMessage, content: Message | MessageInitShape<DescMessage>): void {
  const bytes = toBinary(schema, create(schema, content as MessageInitShape<DescMessage>));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  to.write(Buffer.concat([length, bytes]));
}

/** The messages of a stream, undecoded. */
export async function* messagesOf(from: Readable): AsyncGenerator<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of from as AsyncIterable<Buffer>) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
      const end = 4 + held.readUInt32BE(0);
      yield held.subarray(4, end);
      held = held.subarray(end);
    }
  }
}
