/**
 * Wire -> wire for the protobuf conformance judge: reads a message as the codec does and writes it again, known fields first, in its own form.
 *
 * Not part of the product, which never re-serialises; it exists so that the judge sees what our wire readers take and refuse.
 */
import { Buffer } from "node:buffer";
import type { FieldDescriptor, MessageDescriptor, ScalarType } from "../../src/schema/descriptor.ts";
import { isPackable, planOf, wireTypeOfValue } from "../../src/schema/codec/plan.ts";
import { reg } from "../../src/schema/codec/registers.ts";
import { refuse } from "../../src/schema/codec/refusal.ts";
import { wireTypeOf } from "../../src/schema/codec/scalar.ts";
import { sequenceLength } from "../../src/schema/codec/utf8.ts";
import { endOfGroup, readLength, readTag, readVarint, skipField } from "../../src/schema/codec/wire-read.ts";
import { writeUint32, writeUint64 } from "../../src/schema/codec/wire-write.ts";

interface Slot {
  values: Uint8Array[];
  entries: Map<string, Uint8Array>;
}

export function canonicalWire(type: MessageDescriptor, wire: Uint8Array): Uint8Array {
  if (++reg.depth > 100) refuse(0, "nested deeper than 100 levels");
  const m = Buffer.concat([wire, Buffer.alloc(32)]);
  const plan = planOf(type);
  const slots = new Map<FieldDescriptor, Slot>();
  const unknown: Uint8Array[] = [];
  const members = new Map<string, FieldDescriptor>();
  const e = wire.length;
  let p = 0;
  while (p < e) {
    const start = p;
    const tag = readTag(m, p);
    p = reg.at;
    if (tag === 11 && type.messageSet) {
      const end = endOfGroup(m, p, e, 1);
      const after = reg.at;
      const item = readSetItem(m, p, end);
      const field = plan.byNumber.get(item.typeId);
      if (field === undefined || item.body === undefined) unknown.push(m.subarray(start, after));
      else slotOf(slots, field).values.push(item.body);
      p = after;
      continue;
    }
    const field = plan.byNumber.get(tag >>> 3);
    const wireType = tag & 7;
    const own = field !== undefined && (field.cardinality === "map" ? wireType === 2 : wireType === wireTypeOfValue(field.value));
    const packed = field !== undefined && wireType === 2 && isPackable(field);
    if (field === undefined || !(own || packed)) {
      p = skipField(m, p, e, tag);
      unknown.push(m.subarray(start, p));
      continue;
    }
    const slot = slotOf(slots, field);
    if (field.oneof !== undefined) {
      const other = members.get(field.oneof);
      if (other !== undefined && other !== field) slots.delete(other);
      members.set(field.oneof, field);
    }
    if (wireType === 3) {
      const end = endOfGroup(m, p, e, field.number);
      slot.values.push(m.subarray(p, end));
      p = reg.at;
    } else if (packed) {
      const n = readLength(m, p, e);
      p = reg.at;
      const end = p + n;
      while (p < end) {
        const next = skipField(m, p, end, 8 | wireTypeOfValue(field.value));
        keep(field, m, p, slot, unknown);
        p = next;
      }
    } else {
      const next = skipField(m, p, e, tag);
      if (field.cardinality === "map") {
        const n = readLength(m, p, e);
        keepEntry(field, m.subarray(reg.at, reg.at + n), slot, unknown, m.subarray(start, next));
      } else if (field.value.kind === "message") {
        readLength(m, p, e);
        slot.values.push(m.subarray(reg.at, next));
      } else {
        keep(field, m, p, slot, unknown);
      }
      p = next;
    }
  }
  if (p !== e) refuse(e, "truncated");
  const out: Uint8Array[] = [];
  for (const [field, slot] of [...slots].sort(([a], [b]) => a.number - b.number)) writeField(type, field, slot, out);
  reg.depth--;
  return Buffer.concat([...out, ...unknown]);
}

function slotOf(slots: Map<FieldDescriptor, Slot>, field: FieldDescriptor): Slot {
  let slot = slots.get(field);
  if (slot === undefined) slots.set(field, (slot = { values: [], entries: new Map() }));
  return slot;
}

function keep(field: FieldDescriptor, m: Buffer, p: number, slot: Slot, unknown: Uint8Array[]): void {
  const { value } = field;
  if (value.kind === "enum") {
    const number = readVarint(m, p);
    const bytes = varint(number, number >> 31);
    if (value.enum.closed && !value.enum.values.some((each) => each.number === number)) unknown.push(tagOf(field.number, 0), bytes);
    else slot.values.push(bytes);
  } else if (value.kind === "scalar") {
    slot.values.push(normal(value.scalar, value.validateUtf8, m, p));
  }
}

function keepEntry(field: FieldDescriptor, entry: Uint8Array, slot: Slot, unknown: Uint8Array[], raw: Uint8Array): void {
  const m = Buffer.concat([entry, Buffer.alloc(32)]);
  const key = field.key!;
  const valueWire = wireTypeOfValue(field.value);
  let keyBytes: Uint8Array = initial(key.scalar);
  const values: Uint8Array[] = [];
  const number: Slot = { values: [], entries: new Map() };
  for (let p = 0; p < entry.length;) {
    const tag = readTag(m, p);
    p = reg.at;
    const next = skipField(m, p, entry.length, tag);
    if (tag === (8 | wireTypeOf(key.scalar))) keyBytes = normal(key.scalar, key.validateUtf8, m, p);
    else if (tag === (16 | valueWire)) {
      if (field.value.kind === "message") {
        readLength(m, p, entry.length);
        values.push(m.subarray(reg.at, next));
      } else {
        const before = number.values.length;
        keep(field, m, p, number, []);
        if (number.values.length === before) {
          unknown.push(raw);
          return;
        }
      }
    }
    p = next;
  }
  let value: Uint8Array;
  if (field.value.kind === "message") value = prefixed(canonicalWire(field.value.message, Buffer.concat(values)));
  else
    value =
      number.values.at(-1) ?? (field.value.kind === "scalar" ? initial(field.value.scalar) : varint(field.value.enum.values[0]!.number, 0));
  const bytes = Buffer.concat([tagOf(1, wireTypeOf(key.scalar)), keyBytes, tagOf(2, valueWire), value]);
  slot.entries.set(Buffer.from(keyBytes).toString("latin1"), bytes);
}

function writeField(type: MessageDescriptor, field: FieldDescriptor, slot: Slot, out: Uint8Array[]): void {
  const { value, number } = field;
  const wireType = wireTypeOfValue(value);
  if (field.cardinality === "map") {
    for (const entry of slot.entries.values()) out.push(tagOf(number, 2), prefixed(entry));
  } else if (value.kind === "message") {
    const bodies = field.cardinality === "repeated" ? slot.values : slot.values.length > 0 ? [Buffer.concat(slot.values)] : [];
    for (const each of bodies) {
      const body = canonicalWire(value.message, each);
      if (type.messageSet) out.push(Buffer.of(11, 16), varint(number, 0), Buffer.of(26), prefixed(body), Buffer.of(12));
      else if (value.delimited) out.push(tagOf(number, 3), body, tagOf(number, 4));
      else out.push(tagOf(number, 2), prefixed(body));
    }
  } else if (field.cardinality === "repeated") {
    if (field.packed && isPackable(field)) {
      if (slot.values.length > 0) out.push(tagOf(number, 2), prefixed(Buffer.concat(slot.values)));
    } else for (const each of slot.values) out.push(tagOf(number, wireType), each);
  } else {
    const last = slot.values.at(-1);
    const implicit = !field.explicitPresence && field.oneof === undefined;
    if (last !== undefined && !(implicit && last.every((byte) => byte === 0))) out.push(tagOf(number, wireType), last);
  }
}

function normal(scalar: ScalarType, validateUtf8: boolean, m: Buffer, p: number): Uint8Array {
  switch (wireTypeOf(scalar)) {
    case 1:
      return m.subarray(p, p + 8);
    case 5:
      return m.subarray(p, p + 4);
    case 2: {
      const n = readLength(m, p, m.length);
      const bytes = m.subarray(reg.at, reg.at + n);
      if (scalar === "string" && validateUtf8) checkUtf8(bytes);
      return prefixed(bytes);
    }
    case 0: {
      const lo = readVarint(m, p);
      if (scalar === "bool") return Buffer.of(lo !== 0 || reg.hi !== 0 ? 1 : 0);
      if (scalar === "int32") return varint(lo, lo >> 31);
      if (scalar === "uint32" || scalar === "sint32") return varint(lo, 0);
      return varint(lo, reg.hi);
    }
  }
}

function checkUtf8(bytes: Buffer): void {
  for (let i = 0; i < bytes.length;) {
    const n = bytes[i]! < 128 ? 1 : sequenceLength(bytes, i);
    if (n === 0 || i + n > bytes.length) refuse(i, "not valid UTF-8");
    i += n;
  }
}

function readSetItem(m: Buffer, p: number, end: number): { typeId: number; body: Uint8Array | undefined } {
  let typeId = 0;
  let body: Uint8Array | undefined;
  while (p < end) {
    const tag = readTag(m, p);
    p = reg.at;
    const next = skipField(m, p, end, tag);
    if (tag === 16 && typeId === 0) {
      typeId = readVarint(m, p);
    } else if (tag === 26 && body === undefined) {
      readLength(m, p, end);
      body = m.subarray(reg.at, next);
    }
    p = next;
  }
  return { typeId, body };
}

function initial(scalar: ScalarType): Uint8Array {
  const wireType = wireTypeOf(scalar);
  return Buffer.alloc(wireType === 1 ? 8 : wireType === 5 ? 4 : 1);
}

function varint(lo: number, hi: number): Uint8Array {
  const bytes = Buffer.alloc(10);
  return bytes.subarray(0, writeUint64(bytes, lo, hi, 0));
}

function tagOf(number: number, wireType: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  return bytes.subarray(0, writeUint32(bytes, ((number << 3) | wireType) >>> 0, 0));
}

function prefixed(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(5);
  return Buffer.concat([length.subarray(0, writeUint32(length, bytes.length, 0)), bytes]);
}
