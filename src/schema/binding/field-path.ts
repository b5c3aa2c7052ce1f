/**
 * A dotted path of field names, as templates and query parameters write it, resolved to fields.
 *
 * Proto and JSON names may be mixed; the path that comes back is always in proto names, so that two spellings of one field compare equal.
 */
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { didYouMean } from "../../core/nearest-name.ts";

export interface FieldPath {
  /** The messages the path leads through, outermost first. */
  readonly ancestors: readonly FieldDescriptor[];
  readonly field: FieldDescriptor;
  /** Dotted, in proto names. */
  readonly text: string;
}

export interface FieldPathFault {
  /** The field does not exist; else it exists and no path may lead through it. */
  readonly unknown: boolean;
  /** The part of the path that is at fault, as it was written. */
  readonly path: string;
  /** What is wrong, without the hint. */
  readonly message: string;
  /** " (did you mean X?)", or "". */
  readonly hint: string;
}

/** What a path may lead through: messages whose fields JSON shows as members. The other well-known types are values. */
const opaque = new Set(
  [
    "Any,Timestamp,Duration,FieldMask,Struct,Value,ListValue,Empty",
    "DoubleValue,FloatValue,Int64Value,UInt64Value,Int32Value,UInt32Value,BoolValue,StringValue,BytesValue",
  ].flatMap((names) => names.split(",").map((name) => `google.protobuf.${name}`)),
);

/** The type's JSON has no members that are its fields. */
export function isOpaque(message: MessageDescriptor): boolean {
  return opaque.has(message.name);
}

const fieldsByName = new WeakMap<MessageDescriptor, ReadonlyMap<string, FieldDescriptor>>();

/** The field called `name` in the .proto file or in JSON. */
export function findField(message: MessageDescriptor, name: string): FieldDescriptor | undefined {
  let fields = fieldsByName.get(message);
  if (fields === undefined) {
    const entries = (key: "name" | "jsonName") => message.fields.map((field) => [field[key], field] as const);
    fields = new Map([...entries("jsonName"), ...entries("name")]);
    fieldsByName.set(message, fields);
  }
  return fields.get(name);
}

/** Resolves `names` from `message`; they may lead through singular messages only. */
export function resolveFieldPath(message: MessageDescriptor, names: readonly string[]): FieldPath | FieldPathFault {
  const ancestors: FieldDescriptor[] = [];
  let current = message;
  for (let index = 0; ; index++) {
    const name = names[index]!;
    const field = findField(current, name);
    if (field === undefined) return unknownField(current, names, index);
    if (index === names.length - 1) return { ancestors, field, text: [...ancestors, field].map((each) => each.name).join(".") };
    const path = names.slice(0, index + 1).join(".");
    if (field.cardinality !== "singular") return { unknown: false, path, message: `${path} is a ${kindOf(field)}`, hint: "" };
    if (field.value.kind !== "message" || isOpaque(field.value.message))
      return { unknown: true, path: names.slice(0, index + 2).join("."), message: `${path} has no fields`, hint: "" };
    ancestors.push(field);
    current = field.value.message;
  }
}

/** "map field", "repeated field" or "message". */
export function kindOf(field: FieldDescriptor): string {
  return field.cardinality === "map" ? "map field" : field.cardinality === "repeated" ? "repeated field" : "message";
}

function unknownField(message: MessageDescriptor, names: readonly string[], index: number): FieldPathFault {
  const prefix = names.slice(0, index).join(".");
  const path = names.slice(0, index + 1).join(".");
  const dotted = (name: string) => (prefix === "" ? name : `${prefix}.${name}`);
  const candidates = message.fields.map((field) => dotted(field.jsonName));
  return { unknown: true, path, message: `no field ${JSON.stringify(path)} in ${message.name}`, hint: didYouMean(path, candidates) };
}
