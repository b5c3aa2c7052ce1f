/** JSON Schemas of scalars and of the messages whose JSON is not that of a message (https://protobuf.dev/programming-guides/json/). */
import type { ScalarType } from "../descriptor.ts";
import type { JsonSchema } from "./schema-of-type.ts";

export const scalarSchemas: Readonly<Record<ScalarType, JsonSchema>> = {
  double: { type: "number", format: "double" },
  float: { type: "number", format: "float" },
  int32: { type: "integer", format: "int32" },
  sint32: { type: "integer", format: "int32" },
  sfixed32: { type: "integer", format: "int32" },
  uint32: { type: "integer", minimum: 0, maximum: 4294967295 },
  fixed32: { type: "integer", minimum: 0, maximum: 4294967295 },
  int64: { type: "string", format: "int64" },
  sint64: { type: "string", format: "int64" },
  sfixed64: { type: "string", format: "int64" },
  uint64: { type: "string", format: "uint64" },
  fixed64: { type: "string", format: "uint64" },
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", contentEncoding: "base64" },
};

const wellKnown = new Map<string, JsonSchema>([
  ["google.protobuf.Timestamp", { type: "string", format: "date-time" }],
  ["google.protobuf.Duration", { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$", examples: ["1.5s"] }],
  ["google.protobuf.FieldMask", { type: "string", examples: ["name,price.units"] }],
  ["google.protobuf.Struct", { type: "object", additionalProperties: true }],
  ["google.protobuf.Value", { description: "Any JSON value." }],
  ["google.protobuf.ListValue", { type: "array", items: {} }],
  ["google.protobuf.Empty", { type: "object" }],
  [
    "google.protobuf.Any",
    {
      type: "object",
      properties: { "@type": { type: "string", description: "type.googleapis.com/ and the full name of the message's type." } },
      required: ["@type"],
      additionalProperties: true,
    },
  ],
]);

const wrapped = new Map<string, ScalarType>([
  ["google.protobuf.DoubleValue", "double"],
  ["google.protobuf.FloatValue", "float"],
  ["google.protobuf.Int64Value", "int64"],
  ["google.protobuf.UInt64Value", "uint64"],
  ["google.protobuf.Int32Value", "int32"],
  ["google.protobuf.UInt32Value", "uint32"],
  ["google.protobuf.BoolValue", "bool"],
  ["google.protobuf.StringValue", "string"],
  ["google.protobuf.BytesValue", "bytes"],
]);

const inOneText: ReadonlySet<string> = new Set(["google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"]);

/** The schema of a well-known type that is written out in place; undefined for messages like any other. */
export function wellKnownSchema(messageName: string): JsonSchema | undefined {
  return wellKnown.get(messageName);
}

/** "google.protobuf.Int64Value" -> "int64" */
export function wrappedScalar(messageName: string): ScalarType | undefined {
  return wrapped.get(messageName);
}

/** Whether a message fits into one query parameter. */
export function isOneText(messageName: string): boolean {
  return inOneText.has(messageName) || wrapped.has(messageName);
}

/** What the keys of a map look like in JSON, where the type of key says more than "a string". */
export function keySchema(scalar: ScalarType): JsonSchema | undefined {
  if (scalar === "string") return undefined;
  if (scalar === "bool") return { enum: ["true", "false"] };
  return { pattern: scalar.startsWith("u") || scalar.startsWith("fixed") ? "^[0-9]+$" : "^-?[0-9]+$" };
}
