/**
 * The shape of a loaded schema: messages, fields, enums, with every edition feature already resolved.
 *
 * Codec, http rules, OpenAPI and reflection read nothing but this. Field order is declaration order; `fieldsByNumber` order is the order in
 * which canonical output is written.
 */
import type { MessageType } from "../core/message-type.ts";
import type { Method } from "../core/method.ts";

export type ScalarType =
  | "double"
  | "float"
  | "int64"
  | "uint64"
  | "int32"
  | "fixed64"
  | "fixed32"
  | "bool"
  | "string"
  | "bytes"
  | "uint32"
  | "sfixed32"
  | "sfixed64"
  | "sint32"
  | "sint64";

export interface EnumValueDescriptor {
  readonly name: string;
  readonly number: number;
  readonly comment: string | undefined;
}

export interface EnumDescriptor {
  readonly name: string;
  /** Closed enums keep unknown numbers out of the field (proto2, editions CLOSED). */
  readonly closed: boolean;
  /** In declaration order, aliases included: the first with a number is the one that is printed. */
  readonly values: readonly EnumValueDescriptor[];
  readonly comment: string | undefined;
}

/** What one value of a field is: for a map the value side. */
export type ValueType =
  | { readonly kind: "scalar"; readonly scalar: ScalarType; readonly validateUtf8: boolean }
  | { readonly kind: "enum"; readonly enum: EnumDescriptor }
  | { readonly kind: "message"; readonly message: MessageDescriptor; /** Group encoding on the wire. */ readonly delimited: boolean };

export interface FieldDescriptor {
  /** As in the .proto file; an extension's full name in brackets: "[pkg.ext]". */
  readonly name: string;
  /** lowerCamelCase or `json_name`; an extension's full name in brackets. */
  readonly jsonName: string;
  readonly number: number;
  readonly cardinality: "singular" | "repeated" | "map";
  /** Element type of a repeated field, value type of a map. */
  readonly value: ValueType;
  /** Key type of a map. */
  readonly key: { readonly scalar: ScalarType; readonly validateUtf8: boolean } | undefined;
  readonly packed: boolean;
  /** Singular only: whether "set to the default" differs from "not set". */
  readonly explicitPresence: boolean;
  /** LEGACY_REQUIRED. Not enforced by the codec; OpenAPI shows it. */
  readonly required: boolean;
  /** Name of the (real, not synthetic) oneof it belongs to. */
  readonly oneof: string | undefined;
  /** `google.api.field_behavior` by name. */
  readonly behaviors: readonly string[];
  readonly deprecated: boolean;
  /** `debug_redact` */
  readonly redact: boolean;
  readonly comment: string | undefined;
}

export interface MessageDescriptor extends MessageType {
  readonly name: string;
  readonly fields: readonly FieldDescriptor[];
  /** Extensions of this message that the schema knows. */
  readonly extensions: readonly FieldDescriptor[];
  /** The old MessageSet wire format. */
  readonly messageSet: boolean;
  readonly comment: string | undefined;
}

/** An RPC with the documentation OpenAPI wants; what the data path sees of it is {@link Method}. */
export interface MethodDescriptor extends Method {
  readonly input: MessageDescriptor;
  readonly output: MessageDescriptor;
  /** The .proto file it is declared in, where that is known. */
  readonly file?: string | undefined;
  /** What of its annotation cannot be used, and so is not in `http`. */
  readonly httpProblems?: readonly string[] | undefined;
  readonly deprecated: boolean;
  readonly comment: string | undefined;
}

export interface ServiceDescriptor {
  readonly name: string;
  readonly methods: readonly MethodDescriptor[];
  readonly comment: string | undefined;
}

/** One loaded schema. Immutable: a change is a new Schema with another hash. */
export interface Schema {
  /** SHA-256 over the canonical descriptor set, hex: equal hash, equal schema. */
  readonly hash: string;
  readonly services: readonly ServiceDescriptor[];
  message(name: string): MessageDescriptor | undefined;
  enum(name: string): EnumDescriptor | undefined;
  /** The serialized google.protobuf.FileDescriptorSet it was made from, dependencies first. */
  readonly descriptorSet: Uint8Array;
}

/** Where schemas come from; yields a new one whenever it changed, and never the same hash twice in a row. */
export interface SchemaSource {
  /** "reflection", "protos", "descriptors": for logs and the admin API. */
  readonly kind: string;
  /** Yields the first schema as soon as there is one. Throws only what no retry can mend (a bad file); ends when the signal aborts. */
  watch(signal: AbortSignal): AsyncIterable<Schema>;
}
