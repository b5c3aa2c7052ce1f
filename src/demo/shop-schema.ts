/**
 * The shop's messages and services, from the descriptor set inside the program.
 *
 * The demo's services think in ProtoJSON: a request is the JSON object of its message, and so is an answer. That is
 * slow and short, which is right for a demo; conversion is @bufbuild/protobuf's, none of ours.
 */
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { inflateRawSync } from "node:zlib";
import { descriptors } from "./descriptors.ts";

const set = fromBinary(FileDescriptorSetSchema, inflateRawSync(Buffer.from(descriptors.join(""), "base64")));

export const registry: FileRegistry = createFileRegistry(set);
export const files: readonly FileDescriptorProto[] = set.file;

function found<T>(what: T | undefined, name: string): T {
  if (what === undefined) throw new Error(`the demo's descriptor set has no ${name}`);
  return what;
}

export const messageNamed = (name: string): DescMessage => found(registry.getMessage(name), name);
export const serviceNamed = (name: string): DescService => found(registry.getService(name), name);

/** Every field of a request is there: absent scalars, lists and maps have their defaults; absent messages are missing. */
export function decodeMessage(type: DescMessage, bytes: Uint8Array): JsonObject {
  return toJson(type, fromBinary(type, bytes), { registry, alwaysEmitImplicit: true }) as JsonObject;
}

export function encodeMessage(type: DescMessage, json: object): Buffer {
  return Buffer.from(toBinary(type, fromJson(type, json as JsonValue, { registry })));
}
