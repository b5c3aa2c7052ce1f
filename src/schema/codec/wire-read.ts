/**
 * Reading the protobuf wire (protobuf.dev/programming-guides/encoding): varints, tags, lengths, fields to be skipped.
 *
 * Readers may run up to 18 bytes past the end of a nested range, into its neighbour or the zero bytes behind the input; whoever reads a range
 * compares where the last field ended with where it should have.
 */
import { MAX_DEPTH, reg } from "./registers.ts";
import { refuse } from "./refusal.ts";

const TRUNCATED = "malformed protobuf: a field runs past the end";

/** The lower 32 bits of the varint at `p` as an int32; the upper ones in `reg.hi`. */
export function readVarint(m: Uint8Array, p: number): number {
  reg.hi = 0;
  let c = m[p++]!;
  let lo = c & 127;
  if (c > 127) {
    c = m[p++]!;
    lo |= (c & 127) << 7;
    if (c > 127) {
      c = m[p++]!;
      lo |= (c & 127) << 14;
      if (c > 127) {
        c = m[p++]!;
        lo |= (c & 127) << 21;
        if (c > 127) {
          c = m[p++]!;
          lo |= (c & 127) << 28;
          let hi = (c & 127) >> 4;
          if (c > 127) {
            let shift = 3;
            do {
              c = m[p++]!;
              hi |= (c & 127) << shift;
              shift += 7;
            } while (c > 127 && shift < 38);
            if (c > 127) refuse(p, "malformed protobuf: a varint is longer than 10 bytes");
          }
          reg.hi = hi;
        }
      }
    }
  }
  reg.at = p;
  return lo;
}

/** The tag at `p`: field number << 3 | wire type. */
export function readTag(m: Uint8Array, p: number): number {
  const tag = readVarint(m, p) >>> 0;
  if (reg.hi !== 0 || reg.at - p > 5 || tag < 8 || (tag & 7) > 5) refuse(p, "malformed protobuf: not a field tag");
  return tag;
}

/** The length at `p`, and `reg.at` at what it counts, which ends at or before `e`. */
export function readLength(m: Uint8Array, p: number, e: number): number {
  const n = readVarint(m, p);
  if (reg.hi !== 0 || n < 0 || reg.at + n > e) refuse(p, TRUNCATED);
  return n;
}

/** Behind the value at `p` of a field nobody knows. */
export function skipField(m: Uint8Array, p: number, e: number, tag: number): number {
  switch (tag & 7) {
    case 0:
      readVarint(m, p);
      p = reg.at;
      break;
    case 1:
      p += 8;
      break;
    case 2: {
      const n = readLength(m, p, e);
      p = reg.at + n;
      break;
    }
    case 3:
      return skipGroup(m, p, e, tag >>> 3);
    case 5:
      p += 4;
      break;
    default:
      refuse(p, "malformed protobuf: a group ends that was not begun");
  }
  if (p > e) refuse(e, TRUNCATED);
  return p;
}

/** Behind the end tag of the group whose content begins at `p`. */
function skipGroup(m: Uint8Array, p: number, e: number, number: number): number {
  if (++reg.depth > MAX_DEPTH) refuse(p, "nested deeper than 100 levels");
  while (p < e) {
    const start = p;
    const tag = readTag(m, p);
    p = reg.at;
    if ((tag & 7) === 4) {
      reg.mark = start;
      if (tag >>> 3 !== number || p > e) refuse(p, "malformed protobuf: a group ends that was not begun");
      reg.depth--;
      return p;
    }
    p = skipField(m, p, e, tag);
  }
  return refuse(e, TRUNCATED);
}

/** Where the content of the group at `p` ends; `reg.at` is behind its end tag. */
export function endOfGroup(m: Uint8Array, p: number, e: number, number: number): number {
  reg.at = skipGroup(m, p, e, number);
  return reg.mark;
}
