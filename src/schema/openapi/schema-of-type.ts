/**
 * JSON Schemas (2020-12, as OpenAPI 3.1 wants them) of message and enum types, as canonical ProtoJSON prints them.
 *
 * Named types go to `components.schemas` under their full names; well-known types with a JSON form of their own are written out in place.
 */
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor, ScalarType, ValueType } from "../descriptor.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

const scalarSchemas: Readonly<Record<ScalarType, JsonSchema>> = {
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

/** Their JSON is not that of a message (https://protobuf.dev/programming-guides/json/). */
const wellKnownSchemas = new Map<string, JsonSchema>([
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

const wrapperPrefix = "google.protobuf.";
const wrappers = new Map<string, ScalarType>([
  ["DoubleValue", "double"],
  ["FloatValue", "float"],
  ["Int64Value", "int64"],
  ["UInt64Value", "uint64"],
  ["Int32Value", "int32"],
  ["UInt32Value", "uint32"],
  ["BoolValue", "bool"],
  ["StringValue", "string"],
  ["BytesValue", "bytes"],
]);

/** Schemas of the types that were asked for, and of all they refer to. */
export class SchemaCollection {
  private readonly schemas = new Map<string, JsonSchema>();
  /** Referred to, not yet written: a queue, since types may be nested without end. */
  private readonly pending: (MessageDescriptor | EnumDescriptor)[] = [];

  /** A schema that stands for the type, mostly a reference. */
  message(message: MessageDescriptor): JsonSchema {
    return inPlace(message) ?? this.reference(message);
  }

  /** The schema of a message without some of its fields: what is left for the body when the path has taken them. */
  messageWithout(message: MessageDescriptor, names: ReadonlySet<string>): JsonSchema {
    return this.objectOf(
      message,
      message.fields.filter((field) => !names.has(field.name)),
    );
  }

  /** A field with its documentation. */
  field(field: FieldDescriptor): JsonSchema {
    const { behaviors } = field;
    const schema: Record<string, unknown> = { ...this.fieldType(field) };
    if (field.comment !== undefined) schema["description"] = field.comment;
    if (field.deprecated) schema["deprecated"] = true;
    if (behaviors.includes("OUTPUT_ONLY")) schema["readOnly"] = true;
    if (behaviors.includes("INPUT_ONLY")) schema["writeOnly"] = true;
    return schema;
  }

  /** Adds a schema that no descriptor stands for. */
  define(name: string, schema: JsonSchema): JsonSchema {
    if (!this.schemas.has(name)) this.schemas.set(name, schema);
    return referenceTo(name);
  }

  /** All of them by name, sorted. */
  finish(): Record<string, JsonSchema> {
    for (let type = this.pending.pop(); type !== undefined; type = this.pending.pop())
      this.schemas.set(type.name, "fields" in type ? this.objectOf(type, type.fields) : enumSchema(type));
    return Object.fromEntries([...this.schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private fieldType(field: FieldDescriptor): JsonSchema {
    const value = this.value(field.value);
    if (field.cardinality === "singular") return value;
    return field.cardinality === "repeated" ? { type: "array", items: value } : { type: "object", additionalProperties: value };
  }

  private value(value: ValueType): JsonSchema {
    switch (value.kind) {
      case "scalar":
        return scalarSchemas[value.scalar];
      case "enum":
        return value.enum.name === "google.protobuf.NullValue" ? { type: "null" } : this.reference(value.enum);
      case "message":
        return this.message(value.message);
    }
  }

  private reference(type: MessageDescriptor | EnumDescriptor): JsonSchema {
    if (!this.schemas.has(type.name)) {
      // Holds the place, so that a type which refers to itself is queued once.
      this.schemas.set(type.name, {});
      this.pending.push(type);
    }
    return referenceTo(type.name);
  }

  private objectOf(message: MessageDescriptor, own: readonly FieldDescriptor[]): JsonSchema {
    const fields = [...own, ...message.extensions];
    const required = fields.filter((field) => field.required || field.behaviors.includes("REQUIRED")).map((field) => field.jsonName);
    const description = [message.comment, ...oneofNotes(own)].filter((text) => text !== undefined).join("\n\n");
    return {
      type: "object",
      ...(description !== "" && { description }),
      ...(fields.length > 0 && { properties: Object.fromEntries(fields.map((field) => [field.jsonName, this.field(field)])) }),
      ...(required.length > 0 && { required }),
    };
  }
}

/** "Only one of `text` and `part` may be set.": said rather than enforced, since an unset member is simply absent. */
function oneofNotes(fields: readonly FieldDescriptor[]): string[] {
  const members = new Map<string, string[]>();
  for (const { oneof, jsonName } of fields) if (oneof !== undefined) members.set(oneof, [...(members.get(oneof) ?? []), `\`${jsonName}\``]);
  return [...members.values()]
    .filter((names) => names.length > 1)
    .map((names) => `Only one of ${names.slice(0, -1).join(", ")} and ${names[names.length - 1]} may be set.`);
}

function enumSchema(type: EnumDescriptor): JsonSchema {
  const notes = type.values.filter(({ comment }) => comment !== undefined).map(({ name, comment }) => `- \`${name}\`: ${comment}`);
  const description = [type.comment, notes.length > 0 ? notes.join("\n") : undefined].filter((text) => text !== undefined).join("\n\n");
  return { type: "string", enum: type.values.map(({ name }) => name), ...(description !== "" && { description }) };
}

function inPlace(message: MessageDescriptor): JsonSchema | undefined {
  const { name } = message;
  if (!name.startsWith(wrapperPrefix)) return undefined;
  const wrapped = wrappers.get(name.slice(wrapperPrefix.length));
  if (wrapped === undefined) return wellKnownSchemas.get(name);
  const schema = scalarSchemas[wrapped];
  return { ...schema, type: [schema["type"], "null"] };
}

function referenceTo(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** Whether a value of the type fits into one query parameter. */
export function fitsParameter(value: ValueType): boolean {
  if (value.kind !== "message") return true;
  const { name } = value.message;
  return (
    name === "google.protobuf.Timestamp" ||
    name === "google.protobuf.Duration" ||
    name === "google.protobuf.FieldMask" ||
    (name.startsWith(wrapperPrefix) && wrappers.has(name.slice(wrapperPrefix.length)))
  );
}

/** Messages whose JSON is not an object of their fields, so that a dotted path does not lead into them. */
export function isOpaque(message: MessageDescriptor): boolean {
  return inPlace(message) !== undefined;
}
