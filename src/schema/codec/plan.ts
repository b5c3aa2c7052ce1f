/**
 * What both codecs look up of a message type: its fields by JSON name and by number, and whether it is one of the types that JSON treats
 * specially. Made once per descriptor.
 *
 * Numbers are checked here: a schema is untrusted input, and field numbers become part of generated code.
 */
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor, ScalarType, ValueType } from "../descriptor.ts";
import { wireTypeOf } from "./scalar.ts";

const MAX_FIELD_NUMBER = 536870911;

export interface MessagePlan {
  readonly type: MessageDescriptor;
  /** Fields and known extensions. */
  readonly fields: readonly FieldDescriptor[];
  /** By JSON name, proto name, and "[extension.name]". */
  readonly byName: ReadonlyMap<string, FieldDescriptor>;
  readonly byNumber: ReadonlyMap<number, FieldDescriptor>;
}

const plans = new WeakMap<MessageDescriptor, MessagePlan>();

export function planOf(type: MessageDescriptor): MessagePlan {
  let plan = plans.get(type);
  if (plan === undefined) plans.set(type, (plan = makePlan(type)));
  return plan;
}

function makePlan(type: MessageDescriptor): MessagePlan {
  const fields = [...type.fields, ...type.extensions];
  const byName = new Map<string, FieldDescriptor>();
  const byNumber = new Map<number, FieldDescriptor>();
  for (const field of fields) {
    const { number } = field;
    if (!Number.isInteger(number) || number < 1 || number > MAX_FIELD_NUMBER)
      throw new RangeError(`${type.name}: bad field number ${number}`);
    byNumber.set(number, field);
    byName.set(field.name, field);
  }
  // Where a JSON name is another field's proto name, the JSON name counts.
  for (const field of fields) byName.set(field.jsonName, field);
  return { type, fields, byName, byNumber };
}

export function wireTypeOfValue(value: ValueType): number {
  switch (value.kind) {
    case "scalar":
      return wireTypeOf(value.scalar);
    case "enum":
      return 0;
    case "message":
      return value.delimited ? 3 : 2;
  }
}

/** Whether a repeated field of this type may be packed: then readers take both forms. */
export function isPackable(field: FieldDescriptor): boolean {
  return field.cardinality === "repeated" && field.value.kind !== "message" && wireTypeOfValue(field.value) !== 2;
}

/** Types whose JSON `null` is a value and not the absence of one. */
export function takesNull(value: ValueType): boolean {
  if (value.kind === "enum") return value.enum.name === "google.protobuf.NullValue";
  return value.kind === "message" && value.message.name === "google.protobuf.Value";
}

export function isNullValue(type: EnumDescriptor): boolean {
  return type.name === "google.protobuf.NullValue";
}

export const wrapperScalars: ReadonlyMap<string, ScalarType> = new Map([
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
