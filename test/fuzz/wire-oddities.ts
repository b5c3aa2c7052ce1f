/**
 * Where protobuf-es reads on and we, with C++ and Java, do not: found by a walk of its own over the wire, so that fuzzing can leave such cases out.
 */
import type { FieldDescriptor, MessageDescriptor, ScalarType } from "../../src/schema/descriptor.ts";

interface Tag {
  readonly number: number;
  readonly wireType: number;
  readonly at: number;
}

/**
 * - a known field with a wire type that it does not have: protobuf-es reads it as if it had the right one;
 * - a field that runs past the end of the message or packed list around it: protobuf-es takes the bytes from the neighbour;
 * - numbers that a closed enum does not have, in lists and maps: protobuf-es keeps them, for us they are unknown fields;
 * - tags of more than five bytes, and end tags of groups where a group was not begun.
 */
export function oddityOf(type: MessageDescriptor, wire: Uint8Array, types: Types): string | undefined {
  try {
    walk(type, wire, 0, wire.length, 0, types);
    return undefined;
  } catch (error) {
    if (error instanceof Oddity) return error.message;
    throw error;
  }
}

interface Types {
  message(name: string): MessageDescriptor | undefined;
}

class Oddity extends Error {}

function walk(type: MessageDescriptor, b: Uint8Array, p: number, e: number, group: number, types: Types): number {
  if (type.name === "google.protobuf.Any") walkAny(b, p, e, types);
  const fields = new Map([...type.fields, ...type.extensions].map((field) => [field.number, field]));
  while (p < e) {
    const tag = readTag(b, p);
    p = tag.at;
    if (tag.wireType === 4) {
      if (tag.number !== group) throw new Oddity("stray end of group");
      return p;
    }
    const field = fields.get(tag.number);
    if (field === undefined) p = skip(b, p, e, tag);
    else p = walkField(field, b, p, e, tag, types);
    if (p > e) throw new Oddity("overrun");
  }
  if (group !== 0) throw new Oddity("open group");
  return p;
}

/** What an Any holds is read when it is printed, so oddities count there too. */
function walkAny(b: Uint8Array, p: number, e: number, types: Types): void {
  let url = "";
  let content = [0, 0];
  while (p < e) {
    const tag = readTag(b, p);
    const next = skip(b, tag.at, e, tag);
    if (next > e) throw new Oddity("overrun");
    if (tag.wireType === 2) {
      const [, from] = varint(b, tag.at);
      if (tag.number === 1) url = new TextDecoder().decode(b.subarray(from, next));
      if (tag.number === 2) content = [from, next];
    }
    p = next;
  }
  const type = types.message(url.slice(url.lastIndexOf("/") + 1));
  if (type !== undefined) walk(type, b, content[0]!, content[1]!, 0, types);
}

function walkField(field: FieldDescriptor, b: Uint8Array, p: number, e: number, tag: Tag, types: Types): number {
  if (field.cardinality === "map") {
    if (tag.wireType !== 2) throw new Oddity("wire type");
    const [n, from] = varint(b, p);
    const end = from + n;
    if (end > e) throw new Oddity("overrun");
    for (let q = from; q < end;) {
      const inner = readTag(b, q);
      const { value } = field;
      const expected = inner.number === 1 ? scalarWire(field.key!.scalar) : inner.number === 2 ? wireOf(field) : inner.wireType;
      if (inner.wireType !== expected || inner.wireType === 4) throw new Oddity("wire type");
      if (inner.number === 2 && value.kind === "message") {
        const [size, start] = varint(b, inner.at);
        if (start + size > end) throw new Oddity("overrun");
        walk(value.message, b, start, start + size, 0, types);
      }
      if (inner.number === 2) checkEnum(field, b, inner.at);
      q = skip(b, inner.at, end, inner);
      if (q > end) throw new Oddity("overrun");
    }
    return end;
  }
  const own = wireOf(field);
  if (tag.wireType !== own) {
    if (tag.wireType !== 2 || field.cardinality !== "repeated" || field.value.kind === "message" || own === 2)
      throw new Oddity("wire type");
    const [n, from] = varint(b, p);
    if (from + n > e) throw new Oddity("overrun");
    for (p = from; p < from + n; p = skip(b, p, from + n, { ...tag, wireType: own })) checkEnum(field, b, p);
    if (p !== from + n) throw new Oddity("overrun");
    return p;
  }
  if (field.cardinality === "repeated") checkEnum(field, b, p);
  if (field.value.kind !== "message") return skip(b, p, e, tag);
  if (own === 3) return walk(field.value.message, b, p, e, tag.number, types);
  const [n, from] = varint(b, p);
  if (from + n > e) throw new Oddity("overrun");
  walk(field.value.message, b, from, from + n, 0, types);
  return from + n;
}

function checkEnum({ value }: FieldDescriptor, b: Uint8Array, p: number): void {
  if (value.kind !== "enum" || !value.enum.closed) return;
  const [number] = varint(b, p);
  if (!value.enum.values.some((each) => each.number === number)) throw new Oddity("closed enum");
}

function wireOf(field: FieldDescriptor): number {
  const { value } = field;
  if (value.kind === "message") return value.delimited && field.cardinality !== "map" ? 3 : 2;
  return value.kind === "enum" ? 0 : scalarWire(value.scalar);
}

function scalarWire(scalar: ScalarType): number {
  if (/^(double|s?fixed64)$/.test(scalar)) return 1;
  if (/^(float|s?fixed32)$/.test(scalar)) return 5;
  return scalar === "string" || scalar === "bytes" ? 2 : 0;
}

function skip(b: Uint8Array, p: number, e: number, tag: Tag): number {
  switch (tag.wireType) {
    case 0:
      return varint(b, p)[1];
    case 1:
      return p + 8;
    case 2: {
      const [n, from] = varint(b, p);
      return from + n;
    }
    case 3:
      for (;;) {
        if (p >= e) throw new Oddity("open group");
        const inner = readTag(b, p);
        p = inner.at;
        if (inner.wireType === 4) {
          if (inner.number !== tag.number) throw new Oddity("stray end of group");
          return p;
        }
        p = skip(b, p, e, inner);
      }
    case 5:
      return p + 4;
    default:
      throw new Oddity("bad wire type");
  }
}

function readTag(b: Uint8Array, p: number): Tag {
  const [value, at] = varint(b, p);
  if (at - p > 5 || value > 0xffffffff || value < 8) throw new Oddity("bad tag");
  return { number: Math.floor(value / 8), wireType: value % 8, at };
}

function varint(b: Uint8Array, p: number): [value: number, at: number] {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const c = b[p + i];
    if (c === undefined) throw new Oddity("cut off");
    value += (c & 127) * 2 ** (7 * i);
    if (c < 128) return [value, p + i + 1];
  }
  throw new Oddity("long varint");
}
