/** JSON of an unknown type as a google.protobuf.Struct (google/protobuf/struct.proto), by hand: for details of errors, which no schema need hold. */
import type { ErrorDetail } from "../../../core/call-error.ts";

const typeUrl = "type.googleapis.com/google.protobuf.Struct";
/** Deeper is left out. */
const maxDepth = 32;

export function structOf(json: Readonly<Record<string, unknown>>): ErrorDetail {
  return { typeUrl, value: struct(json, 0) };
}

function struct(json: Readonly<Record<string, unknown>>, depth: number): Buffer {
  return Buffer.concat(
    Object.entries(json).map(([name, member]) => run(1, Buffer.concat([run(1, Buffer.from(name)), run(2, value(member, depth + 1))]))),
  );
}

function value(json: unknown, depth: number): Buffer {
  if (typeof json === "string") return run(3, Buffer.from(json.toWellFormed()));
  if (typeof json === "boolean") return Buffer.from([0x20, json ? 1 : 0]);
  if (typeof json === "number") {
    const bytes = Buffer.alloc(9);
    bytes[0] = 0x11;
    bytes.writeDoubleLE(json, 1);
    return bytes;
  }
  if (typeof json !== "object" || json === null || depth > maxDepth) return Buffer.from([0x08, 0]);
  if (Array.isArray(json)) return run(6, Buffer.concat(json.map((each) => run(1, value(each, depth + 1)))));
  return run(5, struct(json as Readonly<Record<string, unknown>>, depth));
}

/** A length-delimited field. */
function run(number: number, bytes: Uint8Array): Buffer {
  const head = [(number << 3) | 2];
  let { length } = bytes;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}
