/** HPACK integers (RFC 7541, section 5.1): a prefix of some bits, then seven bits a byte, lowest first. */
import { HpackError } from "./hpack-error.ts";

/** Where reading is, and where it must stop: the bytes after `end` belong to somebody else. */
export interface Cursor {
  bytes: Uint8Array;
  at: number;
  end: number;
}

/**
 * Reads an integer whose first byte is the one just read.
 *
 * @throws HpackError INTEGER_OVERFLOW above 2^28, which no legal table index or string length needs.
 */
export function readInteger(cursor: Cursor, first: number, prefixBits: number): number {
  const full = (1 << prefixBits) - 1;
  let value = first & full;
  if (value < full) return value;
  for (let shift = 0; shift <= 21; shift += 7) {
    if (cursor.at >= cursor.end) throw new HpackError("TRUNCATED", "header block ends inside an integer");
    const byte = cursor.bytes[cursor.at++]!;
    value += (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new HpackError("INTEGER_OVERFLOW", "integer of more than 28 bits in a header block");
}

/** Writes `value` with `pattern` in the bits above the prefix; returns the offset after it. At most {@link maxIntegerBytes}. */
export function writeInteger(out: Uint8Array, at: number, value: number, prefixBits: number, pattern: number): number {
  const full = (1 << prefixBits) - 1;
  if (value < full) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | full;
  let rest = value - full;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at] = rest;
  return at + 1;
}

/** Bytes of the longest integer (32 bits) with any prefix. */
export const maxIntegerBytes = 6;
