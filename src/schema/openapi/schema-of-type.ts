/**
 * JSON Schemas (2020-12, as OpenAPI 3.1 wants them) of message and enum types, as the JSON profile in force prints them.
 *
 * Named types go to `components.schemas` under their full names, and everything refers to them there, which is how a type may hold itself;
 * well-known types with a JSON form of their own are written out in place.
 */
import type { JsonProfile } from "../../core/message-type.ts";
import { enumNames } from "../codec/enum-names.ts";
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor, ScalarType, ValueType } from "../descriptor.ts";
import { isOneText, keySchema, scalarSchemas, wellKnownSchema, wrappedScalar } from "./well-known-schemas.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas of the types that were asked for, and of all they refer to. */
export class SchemaCollection {
  private readonly profile: Partial<JsonProfile>;
  private readonly schemas = new Map<string, JsonSchema>();
  /** Referred to, not yet written: a queue, since types may be nested without end. */
  private readonly pending: (MessageDescriptor | EnumDescriptor)[] = [];

  constructor(profile: Partial<JsonProfile> = {}) {
    this.profile = profile;
  }

  /** The name of a field in JSON. */
  nameOf(field: FieldDescriptor): string {
    return this.profile.protoNames === true ? field.name : field.jsonName;
  }

  /** A schema that stands for the type, mostly a reference. */
  message(message: MessageDescriptor): JsonSchema {
    return this.inPlace(message) ?? this.reference(message);
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
    const notes = [field.comment, behaviors.includes("IMMUTABLE") ? "Cannot be changed once it is set." : undefined];
    const description = notes.filter((note) => note !== undefined).join("\n\n");
    if (description !== "") schema["description"] = description;
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
      this.schemas.set(type.name, "fields" in type ? this.objectOf(type, type.fields) : this.enumOf(type));
    return Object.fromEntries([...this.schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private fieldType(field: FieldDescriptor): JsonSchema {
    const value = this.value(field.value);
    if (field.cardinality === "singular") return value;
    if (field.cardinality === "repeated") return { type: "array", items: value };
    const keys = field.key === undefined ? undefined : keySchema(field.key.scalar);
    return { type: "object", ...(keys !== undefined && { propertyNames: keys }), additionalProperties: value };
  }

  private value(value: ValueType): JsonSchema {
    switch (value.kind) {
      case "scalar":
        return this.scalar(value.scalar);
      case "enum":
        return value.enum.name === "google.protobuf.NullValue" ? { type: "null" } : this.reference(value.enum);
      case "message":
        return this.message(value.message);
    }
  }

  private scalar(scalar: ScalarType): JsonSchema {
    const schema = scalarSchemas[scalar];
    // Small ones as numbers, others as strings: whoever reads must be ready for both.
    return this.profile.int64Numbers === true && scalar.endsWith("64") ? { ...schema, type: ["integer", "string"] } : schema;
  }

  private inPlace({ name }: MessageDescriptor): JsonSchema | undefined {
    const wrapped = wrappedScalar(name);
    if (wrapped === undefined) return wellKnownSchema(name);
    const schema = this.scalar(wrapped);
    return { ...schema, type: [schema["type"], "null"].flat() };
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
    const required = fields.filter(isRequired).map((field) => this.nameOf(field));
    const description = [message.comment, ...this.oneofNotes(own)].filter((text) => text !== undefined).join("\n\n");
    return {
      type: "object",
      ...(description !== "" && { description }),
      ...(fields.length > 0 && { properties: Object.fromEntries(fields.map((field) => [this.nameOf(field), this.field(field)])) }),
      ...(required.length > 0 && { required }),
    };
  }

  /** "Only one of `text` and `part` may be set.": said rather than enforced (docs/decisions/0006-own-docs-page.md). */
  private oneofNotes(fields: readonly FieldDescriptor[]): string[] {
    const members = new Map<string, string[]>();
    for (const field of fields) {
      const { oneof } = field;
      if (oneof !== undefined) members.set(oneof, [...(members.get(oneof) ?? []), `\`${this.nameOf(field)}\``]);
    }
    return [...members.values()]
      .filter((names) => names.length > 1)
      .map((names) => `Only one of ${names.slice(0, -1).join(", ")} and ${names[names.length - 1]} may be set.`);
  }

  private enumOf(type: EnumDescriptor): JsonSchema {
    const values = this.shownValues(type);
    const notes = values.filter(({ comment }) => comment !== undefined).map(({ name, comment }) => `- \`${name}\`: ${comment}`);
    const description = [type.comment, notes.length > 0 ? notes.join("\n") : undefined].filter((text) => text !== undefined).join("\n\n");
    const names = values.map(({ name }) => name);
    return {
      ...(this.profile.enumNumbers === true
        ? { type: "integer", enum: values.map(({ number }) => number), "x-enum-varnames": names }
        : { type: "string", enum: names }),
      ...(description !== "" && { description }),
      // What client generators read.
      ...(notes.length > 0 && { "x-enum-descriptions": values.map(({ comment }) => comment ?? "") }),
    };
  }

  /** By the names they are printed with; aliases of a number only where whole names are, for all of those are read. */
  private shownValues(type: EnumDescriptor): EnumDescriptor["values"] {
    const { enumNumbers = false, stripEnumPrefix = false } = this.profile;
    if (!enumNumbers && !stripEnumPrefix) return type.values;
    const { printed } = enumNames(type, { stripEnumPrefix, caseInsensitiveEnums: false });
    const first = type.values.filter(({ number }, i) => type.values.findIndex((other) => other.number === number) === i);
    return first.map((value) => ({ ...value, name: printed.get(value.number) ?? value.name }));
  }
}

export function isRequired({ required, behaviors }: FieldDescriptor): boolean {
  return required || behaviors.includes("REQUIRED");
}

function referenceTo(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** Whether a value of the type fits into one query parameter. */
export function fitsParameter(value: ValueType): boolean {
  return value.kind !== "message" || isOneText(value.message.name);
}

/** Messages whose JSON is not an object of their fields, so that a dotted path does not lead into them. */
export function isOpaque({ name }: MessageDescriptor): boolean {
  return wrappedScalar(name) !== undefined || wellKnownSchema(name) !== undefined;
}
