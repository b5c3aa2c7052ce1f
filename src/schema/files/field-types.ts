/** `google.protobuf.FieldDescriptorProto.Type`. */
import type { ScalarType } from "../descriptor.ts";

export const fieldType = { group: 10, message: 11, enum: 14 } as const;

const scalars: readonly (ScalarType | undefined)[] = [
  undefined,
  "double",
  "float",
  "int64",
  "uint64",
  "int32",
  "fixed64",
  "fixed32",
  "bool",
  "string",
  undefined,
  undefined,
  "bytes",
  "uint32",
  undefined,
  "sfixed32",
  "sfixed64",
  "sint32",
  "sint64",
];

/** The scalar of a type number; undefined for messages, groups and enums. */
export function scalarOf(type: number): ScalarType | undefined {
  return scalars[type];
}

/** The type number of a scalar as .proto text names it. */
export function scalarNumber(name: string): number | undefined {
  const number = scalars.indexOf(name as ScalarType);
  return number < 0 ? undefined : number;
}
