/**
 * The field mask of a PATCH, read off the JSON that was sent (SEMANTICS A1.8, as grpc-gateway does it).
 *
 * Leaves are listed, not messages: `{"a":{"b":1}}` is `a.b`. Repeated fields, maps and well-known types are leaves, and so is an empty or
 * null message, because a mask that named less would not change what the caller cleared.
 */
import { writeUint32 } from "../codec/wire-write.ts";
import type { FieldDescriptor, MessageDescriptor } from "../descriptor.ts";
import { findField, isOpaque } from "./field-path.ts";
import { fieldMaskPathTag } from "./parameter.ts";

/** The one field of `message` that is a FieldMask; undefined when there is none, or no telling which. */
export function soleFieldMask(message: MessageDescriptor): FieldDescriptor | undefined {
  const masks = message.fields.filter(isFieldMask);
  return masks.length === 1 && masks[0]!.cardinality === "singular" ? masks[0] : undefined;
}

/** The content of a FieldMask with the paths present in `json`, which a codec has already read as a `message`. */
export function maskOf(message: MessageDescriptor, json: Uint8Array): Uint8Array {
  const paths: string[] = [];
  collect(message, JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString("utf8")) as unknown, "", paths);
  return Buffer.concat(
    paths.flatMap((path) => {
      const text = Buffer.from(path);
      const length = new Uint8Array(5);
      return [fieldMaskPathTag, length.subarray(0, writeUint32(length, text.length, 0)), text];
    }),
  );
}

function collect(message: MessageDescriptor, json: unknown, prefix: string, paths: string[]): void {
  const members = json !== null && typeof json === "object" ? Object.entries(json) : [];
  for (const [name, value] of members) {
    const field = findField(message, name);
    if (field === undefined) continue;
    const path = prefix + field.name;
    const inner =
      field.cardinality === "singular" && field.value.kind === "message" && !isOpaque(field.value.message)
        ? field.value.message
        : undefined;
    const before = paths.length;
    if (inner !== undefined) collect(inner, value, path + ".", paths);
    if (paths.length === before) paths.push(path);
  }
}

function isFieldMask(field: FieldDescriptor): boolean {
  return field.value.kind === "message" && field.value.message.name === "google.protobuf.FieldMask";
}
