/**
 * Where the fields of a message lie on the wire, grouped by field: whatever order, splits and repetitions the sender chose.
 *
 * What protobuf leaves out of a field is left out here: another wire type than the field has, oneof members that a later one replaces, and for
 * singular closed enums numbers that are not in the enum.
 */
import type { Buffer } from "node:buffer";
import type { FieldDescriptor } from "../descriptor.ts";
import { isPackable, wireTypeOfValue, type MessagePlan } from "./plan.ts";
import { refuse } from "./refusal.ts";
import { reg } from "./registers.ts";
import { endOfGroup, readLength, readTag, readVarint, skipField } from "./wire-read.ts";

/** Triplets: wire type, start, end. For a message the range is its body; otherwise it begins behind the tag (at a length, if there is one). */
export type Occurrences = Map<FieldDescriptor, number[]>;

/** In the order of first occurrence. */
export function findOccurrences(plan: MessagePlan, m: Buffer, p: number, e: number): Occurrences {
  const found: Occurrences = new Map();
  const members = new Map<string, FieldDescriptor>();
  while (p < e) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag === 11 && plan.type.messageSet) {
      p = findSetItem(plan, m, p, e, found);
      continue;
    }
    const field = plan.byNumber.get(tag >>> 3);
    const wireType = tag & 7;
    if (field === undefined || !takes(field, wireType)) {
      p = skipField(m, p, e, tag);
      continue;
    }
    let start = p;
    let end;
    if (wireType === 3) {
      end = endOfGroup(m, p, e, field.number);
      p = reg.at;
    } else {
      end = p = skipField(m, p, e, tag);
      if (field.value.kind === "message" || field.cardinality === "map") {
        readLength(m, start, e);
        start = reg.at;
      }
    }
    if (field.cardinality === "singular" && field.value.kind === "enum" && field.value.enum.closed) {
      const number = readVarint(m, start);
      if (!field.value.enum.values.some((value) => value.number === number)) continue;
    }
    if (field.oneof !== undefined) {
      const other = members.get(field.oneof);
      if (other !== undefined && other !== field) found.delete(other);
      members.set(field.oneof, field);
    }
    const list = found.get(field);
    if (list === undefined) found.set(field, [wireType, start, end]);
    else list.push(wireType, start, end);
  }
  if (p !== e) refuse(e, "malformed protobuf: a field runs past the end");
  return found;
}

function takes(field: FieldDescriptor, wireType: number): boolean {
  if (field.cardinality === "map") return wireType === 2;
  return wireType === wireTypeOfValue(field.value) || (wireType === 2 && isPackable(field));
}

/** One item of a MessageSet: group 1 { type_id = 2, message = 3 }, in either order. */
function findSetItem(plan: MessagePlan, m: Buffer, p: number, e: number, found: Occurrences): number {
  const end = endOfGroup(m, p, e, 1);
  const after = reg.at;
  let typeId = 0;
  const ranges: number[] = [];
  while (p < end) {
    const tag = readTag(m, p);
    p = reg.at;
    if (tag === 16 && typeId === 0) {
      typeId = readVarint(m, p);
      p = reg.at;
    } else if (tag === 26 && ranges.length === 0) {
      const n = readLength(m, p, end);
      ranges.push(2, reg.at, reg.at + n);
      p = reg.at + n;
    } else {
      p = skipField(m, p, end, tag);
    }
  }
  const field = plan.byNumber.get(typeId);
  if (field?.value.kind === "message" && ranges.length > 0) {
    const list = found.get(field);
    if (list === undefined) found.set(field, ranges);
    else list.push(...ranges);
  }
  return after;
}
