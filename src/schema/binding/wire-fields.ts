/**
 * Looks into a protobuf message at one path of field numbers: the last value there, or the message without what is there.
 *
 * Used where a parameter meets a body: to tell whether they differ, and to take out a message value that appending would merge with.
 */
import { writeUint32 } from "../codec/wire-write.ts";

/** The bytes behind the tag of the last occurrence at `numbers`, or undefined. */
export function lastValue(wire: Uint8Array, numbers: readonly number[], depth = 0): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  eachField(wire, (number, wireType, start, value, end) => {
    if (number !== numbers[depth]) return;
    if (depth === numbers.length - 1) found = wire.subarray(value, end);
    else if (wireType === 2 || wireType === 3)
      found = lastValue(fieldContent(wire, wireType, start, value, end), numbers, depth + 1) ?? found;
  });
  return found;
}

/** `wire` without the field at `numbers`. */
export function withoutField(wire: Uint8Array, numbers: readonly number[], depth = 0): Uint8Array {
  const kept: Uint8Array[] = [];
  eachField(wire, (number, wireType, start, value, end) => {
    if (number !== numbers[depth]) kept.push(wire.subarray(start, end));
    else if (depth < numbers.length - 1 && (wireType === 2 || wireType === 3)) {
      const inner = withoutField(fieldContent(wire, wireType, start, value, end), numbers, depth + 1);
      kept.push(...rewrapped(wire, wireType, start, value, end, inner));
    } else if (depth < numbers.length - 1) kept.push(wire.subarray(start, end));
  });
  return Buffer.concat(kept);
}

/** The parts of a length-delimited field or group with another content. */
export function rewrapped(
  wire: Uint8Array,
  wireType: number,
  start: number,
  value: number,
  end: number,
  content: Uint8Array,
): Uint8Array[] {
  const tag = wire.subarray(start, value);
  return wireType === 3 ? [tag, content, wire.subarray(end - tag.length, end)] : [tag, lengthBytes(content.length), content];
}

type Visit = (number: number, wireType: number, start: number, value: number, end: number) => void;

/** Our own codec wrote the bytes, so they are well formed; a fault would end the loop, not the process. */
export function eachField(wire: Uint8Array, visit: Visit): void {
  const cursor = { at: 0 };
  while (cursor.at < wire.length) {
    const start = cursor.at;
    const tag = readVarint(wire, cursor);
    const value = cursor.at;
    skipValue(wire, tag & 7, cursor);
    visit(tag >>> 3, tag & 7, start, value, Math.min(cursor.at, wire.length));
  }
}

function skipValue(wire: Uint8Array, wireType: number, cursor: { at: number }): void {
  if (wireType === 0) readVarint(wire, cursor);
  else if (wireType === 1) cursor.at += 8;
  else if (wireType === 5) cursor.at += 4;
  else if (wireType === 2) {
    const length = readVarint(wire, cursor);
    cursor.at += length;
  } else if (wireType === 3)
    for (let open = true; open && cursor.at < wire.length;) {
      const inner = readVarint(wire, cursor) & 7;
      if (inner === 4) open = false;
      else skipValue(wire, inner, cursor);
    }
  else cursor.at = wire.length;
}

/** What is in a length-delimited field or group, of which the tag stands at `start` and the value at `value`. */
export function fieldContent(wire: Uint8Array, wireType: number, start: number, value: number, end: number): Uint8Array {
  // The end tag of a group is as long as its start tag.
  if (wireType === 3) return wire.subarray(value, end - (value - start));
  const cursor = { at: value };
  readVarint(wire, cursor);
  return wire.subarray(cursor.at, end);
}

function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(5);
  return bytes.subarray(0, writeUint32(bytes, length, 0));
}

/** The low 32 bits of a varint; tags and lengths have no more. */
function readVarint(wire: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let shift = 0; cursor.at < wire.length; shift += 7) {
    const byte = wire[cursor.at++]!;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}
