/**
 * Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) field by field, for descriptors and reflection.
 *
 * Strings and byte runs are checked against the end of the enclosing message, so a hostile length cannot reach beyond it.
 */
import { SchemaError } from "./schema-error.ts";

// Node's own decoder: no set-up per string, no garbage, and it takes any Uint8Array.
const { utf8Slice } = Buffer.prototype as unknown as { readonly utf8Slice: (this: Uint8Array, start: number, end: number) => string };

export class ProtoReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
  /** Number and wire type of the field that {@link next} found. */
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.uint32();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0) throw malformed("field number 0");
    return true;
  }

  /** A varint's low 32 bits, unsigned. */
  uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw malformed("a number is cut off");
      const byte = this.bytes[this.at++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed("a number is longer than ten bytes");
  }

  /** A varint as int32 or enum. */
  int32(): number {
    this.expect(0);
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.int32() !== 0;
  }

  string(): string {
    const start = this.run();
    return utf8Slice.call(this.bytes, start, this.at);
  }

  /** A view of a length-delimited field. */
  view(): Uint8Array {
    const start = this.run();
    return this.bytes.subarray(start, this.at);
  }

  /** A reader over a length-delimited field. */
  message(): ProtoReader {
    const start = this.run();
    return new ProtoReader(this.bytes, start, this.at);
  }

  /** Appends a repeated int32 or enum, packed or not. */
  int32s(into: number[]): void {
    if (this.wireType === 0) into.push(this.uint32() | 0);
    else for (const packed = this.message(); packed.at < packed.end;) into.push(packed.uint32() | 0);
  }

  skip(): void {
    let depth = 0;
    do {
      if (depth > 0 && !this.next()) throw malformed("a group is not closed");
      switch (this.wireType) {
        case 0:
          this.uint32();
          break;
        case 1:
          this.advance(8);
          break;
        case 2:
          this.run();
          break;
        case 3:
          depth++;
          break;
        case 4:
          depth--;
          break;
        case 5:
          this.advance(4);
          break;
        default:
          throw malformed(`wire type ${this.wireType}`);
      }
    } while (depth > 0);
  }

  private run(): number {
    this.expect(2);
    const length = this.uint32();
    const start = this.at;
    this.advance(length);
    return start;
  }

  private advance(length: number): void {
    if (length > this.end - this.at) throw malformed("a field is cut off");
    this.at += length;
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) throw malformed(`field ${this.field} has wire type ${this.wireType}`);
  }
}

function malformed(what: string): SchemaError {
  return new SchemaError(`not valid protobuf: ${what}`);
}
