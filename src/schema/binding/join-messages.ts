/**
 * Puts the pieces of one singular message field into one: `a {x} a {y}` becomes `a {x y}`.
 *
 * Protobuf says that a reader merges them, and some popular readers keep the last one instead. A message that several parameters wrote, or
 * a body and a parameter, must not depend on that.
 */
import type { MessageDescriptor } from "../descriptor.ts";
import { content, eachField, lengthBytes } from "./wire-fields.ts";

/** `wire` itself when there is nothing to join. */
export function joinMessages(wire: Uint8Array, type: MessageDescriptor): Uint8Array {
  const pieces = new Map<number, Uint8Array[]>();
  eachField(wire, (number, wireType, _start, value, end) => {
    if (wireType !== 2 || singularMessage(type, number) === undefined) return;
    const known = pieces.get(number);
    if (known === undefined) pieces.set(number, [content(wire, value, end)]);
    else known.push(content(wire, value, end));
  });
  if (pieces.size === 0) return wire;
  const joined = new Map<number, Uint8Array>();
  for (const [number, parts] of pieces) {
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const inner = joinMessages(whole, singularMessage(type, number)!);
    if (parts.length > 1 || inner !== whole) joined.set(number, inner);
  }
  if (joined.size === 0) return wire;
  const kept: Uint8Array[] = [];
  const written = new Set<number>();
  eachField(wire, (number, wireType, start, value, end) => {
    const inner = wireType === 2 ? joined.get(number) : undefined;
    if (inner === undefined) kept.push(wire.subarray(start, end));
    else if (!written.has(number)) {
      written.add(number);
      kept.push(wire.subarray(start, value), lengthBytes(inner.length), inner);
    }
  });
  return Buffer.concat(kept);
}

function singularMessage(type: MessageDescriptor, number: number): MessageDescriptor | undefined {
  const field = type.fields.find((each) => each.number === number);
  return field?.cardinality === "singular" && field.value.kind === "message" && !field.value.delimited ? field.value.message : undefined;
}
