/**
 * Our codec as a testee of protobuf's conformance runner: on stdin u32le length and a ConformanceRequest, on stdout the same with the response.
 *
 * The envelope is read by @bufbuild/protobuf; all that is judged goes through our codec. PBCONF_SET names the descriptor set of the test types.
 */
import { Buffer } from "node:buffer";
import { readFileSync, readSync, writeSync } from "node:fs";
import { create, createFileRegistry, fromBinary, toBinary, type Message } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { canonicalJson, CodecError } from "../../src/core/message-type.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { isRefusal } from "../../src/schema/codec/refusal.ts";
import { reg } from "../../src/schema/codec/registers.ts";
import { canonicalWire } from "./protobuf-canonical.ts";

interface Request extends Message {
  messageType: string;
  requestedOutputFormat: number;
  testCategory: number;
  payload: { case: string; value: unknown };
}
interface Result {
  case: string;
  value: string | Uint8Array;
}

const PROTOBUF = 1;
const JSON_FORMAT = 2;
const IGNORE_UNKNOWN = 3;

const set = readFileSync(process.env["PBCONF_SET"] ?? "set.binpb");
const schema = buildSchema(set);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
const requestType = registry.getMessage("conformance.ConformanceRequest")!;
const responseType = registry.getMessage("conformance.ConformanceResponse")!;

function answer({ messageType, payload, requestedOutputFormat, testCategory }: Request): Result {
  if (messageType === "conformance.FailureSet") return { case: "protobufPayload", value: new Uint8Array(0) };
  const type = schema.message(messageType);
  if (type === undefined) return { case: "skipped", value: `unknown message type ${messageType}` };
  const codec = type.codec({ ...canonicalJson, ignoreUnknown: testCategory === IGNORE_UNKNOWN });
  let wire: Uint8Array;
  try {
    reg.depth = 0;
    if (payload.case === "protobufPayload") wire = canonicalWire(type, payload.value as Uint8Array);
    else if (payload.case === "jsonPayload") wire = Buffer.from(codec.jsonToWire(Buffer.from(payload.value as string)));
    else return { case: "skipped", value: payload.case };
  } catch (error) {
    return { case: "parseError", value: reason(error) };
  }
  if (requestedOutputFormat === PROTOBUF) return { case: "protobufPayload", value: wire };
  if (requestedOutputFormat !== JSON_FORMAT) return { case: "skipped", value: `output format ${requestedOutputFormat}` };
  try {
    // The bytes as they came, so that the printer and not canonicalWire is judged.
    const input = payload.case === "protobufPayload" ? (payload.value as Uint8Array) : wire;
    return { case: "jsonPayload", value: Buffer.from(codec.wireToJson(input)).toString() };
  } catch (error) {
    return { case: "serializeError", value: reason(error) };
  }
}

function reason(error: unknown): string {
  if (error instanceof CodecError || isRefusal(error)) return (error as Error).message;
  throw error;
}

function read(size: number): Buffer | undefined {
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    try {
      const n = readSync(0, bytes, at, size - at, null);
      if (n === 0) return undefined;
      at += n;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EOF") return undefined;
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
  return bytes;
}

function write(bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

for (let head = read(4); head !== undefined; head = read(4)) {
  const body = read(head.readUInt32LE(0));
  if (body === undefined) break;
  let result: Result;
  try {
    result = answer(fromBinary(requestType, body) as unknown as Request);
  } catch (error) {
    result = { case: "runtimeError", value: String((error as Error).stack) };
  }
  const response = Buffer.from(toBinary(responseType, create(responseType, { result })));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(response.length);
  write(Buffer.concat([length, response]));
}
